"""The contract of a backend: a store of bytes under str keys, checked on the medium itself."""

from pathlib import Path
from typing import Any

import pytest

from spoonbill.common.sentinels import MISSING
from spoonbill.errors import ValueTooLargeError
from spoonbill.store import Store, ValueLayer
from spoonbill.testing.contract import StoreContract

_LARGEST_TRIED = 64 << 20  # bytes: a limit beyond it is not worth the memory


class BackendContract(StoreContract):
    """Inherit it for an engine of your own: four verbs over ``str`` keys and ``bytes`` values.

    ::

        class TestMyBackend(BackendContract):
            def make(self, path):
                return MyBackend(path / "data")

            def peek(self, store, key):
                file = store.folder / key
                return file.read_bytes() if file.exists() else MISSING

            def poke(self, store, key, value):
                (store.folder / key).write_bytes(value)

    `peek` and `poke` reach what the engine holds by other means than the store: the raw client, the file. Without them
    the kit can only believe what the store says of itself.
    """

    def make(self, path: Path) -> Store[str, bytes]:
        """Return an empty backend, which may use the empty directory `path`."""
        raise NotImplementedError

    def test_writes_reach_the_medium(self, store: Store[Any, Any]) -> None:
        """What is set is on the medium as it was given, and what is deleted is no longer there."""
        store.update(self.pairs)
        for key, value in self.pairs.items():
            assert self.peek(store, key) == value
        store.delete_many(self.keys[:2])
        assert [self.peek(store, key) is MISSING for key in self.keys] == [True, True, False, False, False]

    def test_reads_see_the_medium(self, store: Store[Any, Any]) -> None:
        """What another program writes is read, listed and found: nothing is remembered in place of the medium."""
        key, first, second = self.keys[0], self.values[0], self.values[1]
        store.set(key, first)
        assert store.get(key) == first
        self.poke(store, key, second)
        assert store.get(key) == second
        assert store.get_many([key]) == [second]
        assert list(store.entries()) == [(key, second)]

    def test_a_layer_can_stand_on_it(self, store: Store[Any, Any]) -> None:
        """A layer over it is a store too, and changes what it says it changes."""
        layered: Store[Any, Any] = _Same(store)
        layered.update(self.pairs)
        assert dict(layered.items()) == dict(store.items()) == self.pairs
        assert layered.pop(self.keys[0]) == self.values[0]
        assert self.keys[0] not in store

    def test_check_raises_what_set_raises(self, store: Store[Any, Any]) -> None:
        """A key beyond the limit is refused by check and by set, with one error, and leaves nothing behind."""
        longest = store.limits.key_bytes
        if longest is None:  # then a long key is a key like any other
            store.check("k" * 3000, self.values[0])
            store.set("k" * 3000, self.values[0])
            assert list(store) == ["k" * 3000]
            return
        key = "k" * (longest + 1)
        for refuse in (store.check, store.set):
            with pytest.raises(ValueError, match=str(longest)):
                refuse(key, self.values[0])
        assert list(store) == []
        store.set("k" * longest, self.values[0])
        assert list(store) == ["k" * longest]

    def test_a_value_beyond_the_limit_is_refused(self, store: Store[Any, Any]) -> None:
        """A value of more bytes than the limit says is refused by check and set, and what was there stays."""
        largest = store.limits.value_bytes
        if largest is None or largest > _LARGEST_TRIED:
            return
        key, value = self.keys[0], self.values[0]
        store.set(key, value)
        for refuse in (store.check, store.set):
            with pytest.raises(ValueTooLargeError):
                refuse(key, b"x" * (largest + 1))
        assert dict(store.entries()) == {key: value}


class _Same(ValueLayer[Any, Any]):
    """The value layer that changes nothing."""
