"""Every format that something is stored in, each as a store that can be opened in a folder."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

from spoonbill import Chunked, Codec, Compressed, Encrypted, Expiring, HashedKeys, Signed, Tagged
from spoonbill.backends import Memory
from spoonbill.datastores import (
    FilesystemStore,
    InMemoryStore,
    LmdbStore,
    PysosStore,
    RocksDBStore,
    ShelveStore,
    SQLiteStore,
)

__all__ = ["FORMATS", "Format"]

PLAIN = {
    "text": "é漢\U0001f600\0",
    "number": -(2**63),
    "float": 0.1,
    "nothing": None,
    "yes": True,
    "nested": {"a": [1, {"b": []}], "": "empty name"},
    "A key/with: everything %^~.": "key",
    "é": "key",
    "": "the empty key",
}
"""Entries that every format holds."""

TYPED = {
    **PLAIN,
    "large": 2**70,
    "bytes": b"\x00\xff",
    "tuple": (1, (2,)),
    "set": {1, "a"},
    "dict": {(1, 2): "tuple", 3: "int"},
    "when": datetime(2024, 2, 29, 12, 30, 15, 123456, tzinfo=UTC),
    "decimal": Decimal("0.10"),
    "uuid": UUID(int=7),
    ("a", 1): "a tuple as a key",
    b"k": "bytes as a key",
    1.5: "a float as a key",
}
"""Entries of the typed codec."""

DOCUMENTS = {
    **{key: value for key, value in PLAIN.items() if key},
    "bytes": b"\x00\xff",
    "when": datetime(2024, 2, 29, 12, 30, 15, 123456, tzinfo=UTC),
    "reserved": {"spoonbill__": 1, "a": float("inf")},
}
"""Entries of documents."""

KEY = bytes(range(32))


@dataclass(frozen=True)
class Format:
    """A format, and what is written in it.

    Attributes
    ----------
    name : str
        The folder of its fixture.
    open : callable
        Takes a folder, and gives a store in it for a ``with`` block.
    entries : dict
        What the fixture holds.
    """

    name: str
    open: Callable[[Path], Any]
    entries: dict[Any, Any]


def _in_json(layers: Callable[[Any], Any]) -> Callable[[Path], Any]:
    """Return what opens a stack over a dict of bytes, which is kept as text in a file."""

    @contextmanager
    def opened(folder: Path) -> Iterator[Any]:
        file = folder / "entries.json"
        found = json.loads(file.read_text()) if file.exists() else {}
        data = {key: bytes.fromhex(value) for key, value in found.items()}
        yield layers(Memory(data))
        if not found:
            folder.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps({key: bytes(value).hex() for key, value in data.items()}, indent=1) + "\n")

    return opened


@contextmanager
def _snapshot(folder: Path) -> Iterator[Any]:
    file, store = folder / "a.snapshot", InMemoryStore()
    there = file.exists()
    if there:
        store.load(file)
    yield store
    if not there:
        folder.mkdir(parents=True, exist_ok=True)
        store.save(file)


TEXTS = {key: value for key, value in PLAIN.items() if key != "" and "\0" not in str(value)}

FORMATS = [
    Format("snapshot", _snapshot, TYPED),
    Format("lmdb", lambda folder: LmdbStore(folder / "db", map_size=1 << 20), TYPED),
    Format("rocksdb", lambda folder: RocksDBStore(folder / "db"), TYPED),
    Format("sqlite", lambda folder: SQLiteStore(folder / "a.db"), DOCUMENTS),
    Format("files", lambda folder: FilesystemStore(folder / "files"), TYPED),
    Format("json-files", lambda folder: FilesystemStore(folder / "files", codec="json"), PLAIN),
    Format("pysos", lambda folder: PysosStore(folder / "a.pysos"), TEXTS),
    Format("shelf", lambda folder: ShelveStore(folder / "shelf", dbm="dbm.dumb", strict=True), TEXTS),
    Format("msgpack", _in_json(Codec), TYPED),
    Format("json", _in_json(lambda store: Codec(store, "json")), PLAIN),
    Format("loose", _in_json(lambda store: Codec(store, strict=False)), {**TYPED, "complex": complex(1, 2)}),
    *(
        Format(f"compressed-{method}", _in_json(lambda s, m=method: Compressed(Codec(s), m, min_size=1)), TYPED)
        for method in ("zstd", "lz4", "gzip", "brotli")
    ),
    Format("encrypted-aes", _in_json(lambda store: Encrypted(Codec(store), KEY)), TYPED),
    Format("encrypted-chacha", _in_json(lambda store: Encrypted(Codec(store), KEY, cipher="chacha20-poly1305")), TYPED),
    Format("signed", _in_json(lambda store: Signed(Codec(store), KEY)), TYPED),
    Format("chunked", _in_json(lambda store: Chunked(Codec(store), 10)), TYPED),
    Format("expiring", _in_json(lambda store: Expiring(Codec(store))), TYPED),
    Format("tagged", _in_json(lambda store: Tagged(Codec(store))), TYPED),
    Format(
        "hashed-keys",
        _in_json(lambda store: HashedKeys(Codec(store), max_bytes=100)),
        {"short": 1, "long" * 100: 2},
    ),
]
