"""How a value in parts is written down: its manifest, and the names of its parts."""

import re
import secrets
import time
from collections.abc import Iterator
from typing import Any, ClassVar, Final, NamedTuple
from zlib import crc32

from spoonbill.common.text import shortened
from spoonbill.errors import CodecError, InvalidKeyError
from spoonbill.query import Plan, Query
from spoonbill.store import KeyLayer

__all__ = ["PART", "WHOLE", "Keys", "Manifest", "new_name", "part_name", "read_head", "time_of"]

_RESERVED: Final = "~part"
PART: Final = "~part-"
_OWN: Final = "~part="
WHOLE: Final = b"\x00"
_IN_PARTS: Final = b"\x01"
_TIME: Final = 12
_NAME: Final = _TIME + 16
_PART_KEY: Final = re.compile(rf"{PART}([0-9a-f]{{{_NAME}}})-[0-9a-f]+")


class Keys(KeyLayer[Any, Any]):
    """The keys of the values: parts are none, and a key that looks like one goes down under another name."""

    leaves: ClassVar[tuple[str, ...]] = ("split", "ping", "flush", "close")

    def down(self, key: Any) -> str:
        if not isinstance(key, str):
            raise InvalidKeyError(
                f"Chunked holds str keys, not {type(key).__name__} {shortened(key)}: put a Codec above it"
            )
        return _OWN + key[len(_RESERVED) :] if key.startswith(_RESERVED) else key

    def up(self, key: str) -> str:
        return _RESERVED + key[len(_OWN) :] if key.startswith(_OWN) else key

    def owns(self, key: Any) -> bool:
        return not key.startswith(PART)

    def translate(self, query: Query) -> Query:
        literal = query.pattern is not None and query.pattern.prefixes
        plain = literal and not any(one.startswith(_RESERVED) or _RESERVED.startswith(one) for one in literal)
        return query if plain else super().translate(query)

    def plan(self, query: Query) -> Plan:
        return self._below(query, "leaves out parts")


class Manifest(NamedTuple):
    """What stands under the key of a value in parts."""

    name: str
    length: int
    size: int
    crc: int

    def __bytes__(self) -> bytes:
        numbers = (part.to_bytes(8, "big") for part in (self.length, self.size, self.crc))
        return _IN_PARTS + self.name.encode() + b"".join(numbers)

    @classmethod
    def read(cls, data: bytes) -> "Manifest | None":
        """Return the manifest in stored bytes, None where they are a value in one piece."""
        if data[:1] == WHOLE:
            return None
        if data[:1] != _IN_PARTS or len(data) != 1 + _NAME + 24:
            raise CodecError("it was not written by a Chunked layer")
        numbers = data[1 + _NAME :]
        return cls(data[1 : 1 + _NAME].decode(), *(int.from_bytes(numbers[i : i + 8], "big") for i in (0, 8, 16)))

    @property
    def parts(self) -> list[str]:
        """The names of the parts, in order."""
        return [part_name(self.name, number) for number in range(1, -(-self.length // self.size) + 1)]

    @property
    def names(self) -> list[str]:
        """The names of all that belongs to the value: its head, which tells its key, and its parts."""
        return [part_name(self.name, 0), *self.parts]

    def fits(self, data: bytes) -> bool:
        """Return whether `data` is the value, whole."""
        return len(data) == self.length and crc32(data) == self.crc

    def cut(self, data: bytes) -> Iterator[tuple[str, bytes]]:
        """Yield each part with its name."""
        for position, name in enumerate(self.parts):
            yield name, data[position * self.size : (position + 1) * self.size]


def new_name() -> str:
    """Return a name for the parts of a value, which begins with the time."""
    return f"{time.time_ns() // 1_000_000:0{_TIME}x}{secrets.token_hex(8)}"


def part_name(name: str, number: int) -> str:
    """Return the key of a part; 0 is the head."""
    return f"{PART}{name}-{number:x}"


def read_head(key: Any) -> str | None:
    """Return the name of the value of which `key` is a part, None where it is no part."""
    found = _PART_KEY.fullmatch(key)
    return None if found is None else found[1]


def time_of(name: str) -> float:
    """Return when the writing of a value began, in seconds since 1970."""
    return int(name[:_TIME], 16) / 1000
