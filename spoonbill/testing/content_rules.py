"""The part of the contract that says: a key and a value are kept as they are, or refused."""

from typing import Any

import pytest

from spoonbill.errors import CodecError, InvalidKeyError, KeyTooLongError, StoreError, ValueTooLargeError
from spoonbill.store import Store
from spoonbill.testing.samples import Samples

_REFUSALS = (CodecError, InvalidKeyError, KeyTooLongError, ValueTooLargeError)
_ALIKE = (
    *("\u00e9", "e\u0301", "\u00c5", "\u212b", "A\u030a", "\ufb01", "fi"),  # one under some Unicode normalisation
    *("key", "KEY", "key ", " key", "key.", "key\n", "key\x00", "key/", "/key", "key//", "./key"),
)


class ContentRules(Samples):
    """Edges of keys and values, values that cannot be decoded, and the end of a store."""

    def test_keys_that_look_alike_are_apart(self, store: Store[Any, Any]) -> None:
        """Keys that differ by case, spaces, ends or Unicode form are different keys, and are listed as they are."""
        first, second = self.values[:2]
        kept = [key for key in _ALIKE if self._fits(store, key, first)]
        for key in kept:
            assert store.add(key, first), ascii(key)
        assert sorted(store) == sorted(kept)
        for key in kept:
            store.set(key, second)
            assert [other for other in kept if store.get(other) == second] == [key]
            store.set(key, first)

    def test_values_keep_their_ends(self, store: Store[Any, Any]) -> None:
        """Long values, and zeros, spaces and lines at either end of one, come back as they are."""
        samples = self._edges(store)
        for value in samples:
            store.set(self.keys[0], value)
            assert store.get(self.keys[0]) == value
            assert store.get_many([self.keys[0]]) == [value]
            assert list(store.entries()) == [(self.keys[0], value)]
            assert store.pop(self.keys[0]) == value
        store.set_many(enumerated := [(f"value-{at}", value) for at, value in enumerate(samples)])
        assert dict(store.entries()) == dict(enumerated)

    def test_a_batch_is_whole_where_that_is_promised(self, store: Store[Any, Any]) -> None:
        """With ``whole_batch``, a batch with a value that does not fit writes nothing."""
        if store.whole_batch:
            with pytest.raises((*_REFUSALS, TypeError)):
                store.set_many([*((key, self.values[0]) for key in self.keys), ("misfit", object())])
            assert list(store) == []

    def test_a_key_is_measured_in_bytes(self, store: Store[Any, Any]) -> None:
        """A key of few characters and too many bytes is refused by check and set, and is not there."""
        longest = store.limits.key_bytes
        if longest is None or longest > 1 << 20:
            return
        key = "\u00e9" * (longest // 2 + 1)
        for refuse in (store.check, store.set):
            with pytest.raises((KeyTooLongError, InvalidKeyError)):
                refuse(key, self.values[0])
        assert list(store) == []

    def test_a_value_that_cannot_be_decoded_stays(self, store: Store[Any, Any]) -> None:
        """Where reading an entry fails, so does taking it out, and the engine still holds it."""
        key, value = self.keys[0], self.values[0]
        store.set(key, value)
        if not self.damage(store, key):
            return
        try:
            store.get(key)
        except (CodecError, StoreError):
            pass
        else:
            return  # whatever bytes it finds are a value
        held = dict(store.raw.entries())
        for take in (store.pop, lambda key: store.pop(key, None), lambda _: store.popitem(), store.get):
            with pytest.raises((CodecError, StoreError)):
                take(key)
            assert dict(store.raw.entries()) == held

    def test_closing_twice_is_no_error(self, store: Store[Any, Any]) -> None:
        """A store may be closed again, also one that was written to."""
        store.set(self.keys[0], self.values[0])
        store.close()
        store.close()

    def damage(self, store: Store[Any, Any], key: Any) -> bool:  # noqa: ARG002 - for those who override it
        """Make the engine hold what is no value, under `key`. Return whether that was done.

        As it is, it writes bytes into the store below, over each entry that is there; a store without one below cannot
        be damaged so.
        """
        if store.raw is store or not store.raw.lists_keys:
            return False
        damaged = [(name, b"\xc1\xff no value") for name in store.raw.iter()]
        if not all(self._fits(store.raw, name, value) for name, value in damaged):
            return False  # the engine itself takes no such value
        store.raw.set_many(damaged)
        return True

    def _edges(self, store: Store[Any, Any]) -> list[Any]:
        """Return values with remarkable ends and lengths, of the kinds that the sample values have."""
        edges: list[Any] = []
        if any(isinstance(value, bytes) for value in self.values):
            edges += [b"\x00", b"a\x00", b"a\x00\x00", b"\x00a", b" a ", b"a\r\n", b"a\x00b", bytes(range(256)) * 300]
            edges += [b"x" * size for size in (65_535, 65_536, 65_537, 200_000)]
        if any(isinstance(value, str) for value in self.values):
            edges += ["\x00", "a\x00", " a ", "a\r\n", "a\x00b", "\u00e9" * 40_000, "e\u0301", "x" * 200_000]
        return [value for value in edges if self._fits(store, self.keys[0], value)]

    @staticmethod
    def _fits(store: Store[Any, Any], key: Any, value: Any) -> bool:
        """Return whether the store says that it can hold the pair."""
        try:
            store.check(key, value)
        except _REFUSALS:
            return False
        return True
