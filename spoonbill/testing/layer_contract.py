"""The contract of a layer: a store around a store, which loses nothing on the way."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from spoonbill.errors import StoreError
from spoonbill.store import VERBS, KeyLayer, Store
from spoonbill.testing.contract import StoreContract
from spoonbill.testing.spy_store import SpyStore


class LayerContract(StoreContract):
    """Inherit it for a layer of your own.

    ::

        class TestMyLayer(LayerContract):
            def wrap(self, inner):
                return MyLayer(inner)

    Attributes
    ----------
    batches : bool
        Whether a batch goes down as a batch, as it does in every layer that is a `ValueLayer` or a `KeyLayer`, or
        leaves the batch verbs alone. False for a layer that changes single verbs only.
    """

    batches: bool = True

    def wrap(self, inner: Store[Any, Any]) -> Store[Any, Any]:
        """Return your layer around `inner`, a store of bytes under str keys."""
        raise NotImplementedError

    def make(self, path: Path) -> Store[Any, Any]:  # noqa: ARG002 - in memory
        """Return the layer around a spy."""
        return self.wrap(SpyStore())

    def spy(self, store: Store[Any, Any]) -> SpyStore:
        """Return the spy at the bottom of `store`."""
        raw = store.raw
        assert isinstance(raw, SpyStore)
        return raw

    test_pickles = None  # type: ignore[assignment] # a spy is not the same store elsewhere

    def test_the_raw_store_is_reached(self, store: Store[Any, Any]) -> None:
        """A write arrives in the store below, once, and ``raw`` leads there."""
        store[self.keys[0]] = self.values[0]
        assert len(self.spy(store).data) == 1

    def test_batches_stay_batches(self, store: Store[Any, Any]) -> None:
        """A batch reaches the store below as one call of its own batch verb."""
        spy = self.spy(store)
        calls = []
        store.update(self.pairs)
        calls.append({*spy.calls})
        spy.calls.clear()
        assert store.get_many(self.keys) == list(self.values)
        calls.append({*spy.calls})
        spy.calls.clear()
        assert store.delete_many(self.keys) == len(self.keys)
        calls.append({*spy.calls})
        if self.batches:
            assert calls[0] == {"set_many"}
            assert calls[1] <= {"get_many"}  # none where it answers from memory
            assert calls[2] == {"delete_many"}

    def test_foreign_keys_are_left_alone(self, store: Store[Any, Any]) -> None:
        """Keys of others in the store below are neither listed, counted, found nor cleared by a layer of keys."""
        if not isinstance(store, KeyLayer):
            return
        spy = self.spy(store)
        store.update(self.pairs)
        own = set(spy.data)
        beside = {name for name in ("", "~", "zz", "0", "some/other:key") if not store.owns(name)} - own
        spy.data.update(dict.fromkeys(beside, b"foreign"))
        assert Counter(iter(store)) == Counter(self.keys)
        assert len(store) == len(self.keys)
        assert dict(store.items()) == self.pairs
        assert Counter(store.keys("*")) == Counter(self.keys)
        assert Counter(key for share in store.shares(2) for key in share.keys()) == Counter(self.keys)  # noqa: SIM118
        store.replace_all([(self.keys[0], self.values[0])])
        assert dict(store.items()) == {self.keys[0]: self.values[0]}
        store.clear()
        assert spy.data.keys() == beside

    def test_failures_are_not_absence(self, store: Store[Any, Any]) -> None:
        """An error of the store below comes through: it is neither the default nor a KeyError."""
        spy = self.spy(store)
        spy.broken = True
        attempts = (
            lambda: store.get(self.keys[0]),
            lambda: store[self.keys[0]],
            lambda: self.keys[0] in store,
            lambda: store.set(self.keys[0], self.values[0]),
            lambda: store.pop(self.keys[0], None),
            lambda: list(store),
            lambda: store.get_many(self.keys),
            lambda: store.update(self.pairs),
        )
        for attempt in attempts:
            with pytest.raises(StoreError):
                attempt()

    def test_capabilities_are_truthful(self, store: Store[Any, Any]) -> None:
        """No verb is called native that the store below derives."""
        below = self.spy(store)
        for verb in VERBS:
            if not below.native(verb):
                assert not store.native(verb), verb
        assert store.capabilities <= below.capabilities | store.features
