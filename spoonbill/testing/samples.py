"""What the tests of the conformance kit share: the sample keys and values, and how a store is made."""

from itertools import cycle
from pathlib import Path
from typing import Any

import pytest

from spoonbill.common.sentinels import MISSING
from spoonbill.store import Store


class Samples:
    """The base of every part of the contract; `StoreContract` describes it."""

    many: int = 1050
    values: tuple[Any, ...] = (b"one", b"two", b"", b"\x00\xff" * 50, b"five" * 1000)
    keys: tuple[Any, ...] = ("a", "a/b", "", "..", "\u00e9 *[1]\x00")

    def make(self, path: Path) -> Store[Any, Any]:
        """Return an empty store of your kind, which may use the empty directory `path`."""
        raise NotImplementedError

    def peek(self, store: Store[Any, Any], key: Any) -> Any:
        """Return what the engine holds for `key`, by other means than the store. MISSING: it is not there."""
        return store.get(key, MISSING)

    def poke(self, store: Store[Any, Any], key: Any, value: Any) -> None:
        """Make the engine hold `value` for `key`, by other means than the store."""
        store.set(key, value)

    @pytest.fixture
    def store(self, tmp_path: Path) -> Any:
        """Make the store of a test and close it afterwards."""
        store = self.make(tmp_path)
        yield store
        store.close()

    @property
    def pairs(self) -> dict[Any, Any]:
        """The sample keys with the sample values."""
        return dict(zip(self.keys, self.values, strict=True))

    @property
    def plenty(self) -> dict[str, Any]:
        """Many keys with the shorter sample values, so that a large store is written quickly."""
        short = sorted(self.values, key=lambda value: len(repr(value)))[:3]
        names = (f"entry-{number:05}" for number in range(self.many))
        return dict(zip(names, cycle(short), strict=False))
