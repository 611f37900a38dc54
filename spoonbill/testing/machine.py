"""A state machine that drives a store beside a plain dict."""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from spoonbill.common.sentinels import MISSING
from spoonbill.query import compile_query, eq, prefix
from spoonbill.store import Store


def machine_for(
    make: Callable[[Path], Store[Any, Any]] | st.SearchStrategy[Callable[[Path], Store[Any, Any]]],
    keys: st.SearchStrategy[Any],
    values: st.SearchStrategy[Any],
    *,
    reopens: bool = False,
) -> type[RuleBasedStateMachine]:
    """Return a hypothesis state machine that drives a store beside a dict and compares them after every step.

    Parameters
    ----------
    make : callable or SearchStrategy of callables
        Opens the store in a directory; a strategy draws what to open, such as one of many stacks of layers.
    keys, values : SearchStrategy
        What it holds.
    reopens : bool, optional
        Whether closing and opening it again brings back what it held.

    Returns
    -------
    type
        A state machine; its ``TestCase`` is what pytest collects.
    """

    class Machine(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.path = Path(tempfile.mkdtemp())
            self.model: dict[Any, Any] = {}

        @initialize(opened_by=make if isinstance(make, st.SearchStrategy) else st.just(make))
        def open(self, opened_by: Callable[[Path], Store[Any, Any]]) -> None:
            self.make = opened_by
            self.store = opened_by(self.path)

        def teardown(self) -> None:
            if hasattr(self, "store"):
                self.store.close()
            shutil.rmtree(self.path)

        @rule(key=keys, value=values)
        def set(self, key: Any, value: Any) -> None:
            self.store[key] = value
            self.model[key] = value

        @rule(key=keys)
        def delete(self, key: Any) -> None:
            assert self.store.delete(key) == (self.model.pop(key, MISSING) is not MISSING)

        @rule(key=keys)
        def pop(self, key: Any) -> None:
            assert self.store.pop(key, MISSING) == self.model.pop(key, MISSING)

        @rule(key=keys, value=values)
        def add(self, key: Any, value: Any) -> None:
            assert self.store.add(key, value) == (key not in self.model)
            self.model.setdefault(key, value)

        @rule(key=keys, expected=values, value=values)
        def replace(self, key: Any, expected: Any, value: Any) -> None:
            fits = key in self.model and self.model[key] == expected
            assert self.store.replace(key, expected, value) == fits
            if fits:
                self.model[key] = value

        @rule(pairs=st.lists(st.tuples(keys, values), max_size=6))
        def update(self, pairs: list[tuple[Any, Any]]) -> None:
            self.store.update(pairs)
            self.model.update(pairs)

        @rule(wanted=st.lists(keys, max_size=6))
        def read_batch(self, wanted: list[Any]) -> None:
            assert self.store.get_many(wanted, MISSING) == [self.model.get(key, MISSING) for key in wanted]

        @rule(doomed=st.lists(keys, max_size=4))
        def delete_batch(self, doomed: list[Any]) -> None:
            present = {key for key in doomed if key in self.model}
            assert self.store.delete_many(doomed) == len(present)
            for key in present:
                del self.model[key]

        @rule(key=keys, value=values)
        def set_default(self, key: Any, value: Any) -> None:
            assert self.store.setdefault(key, value) == self.model.setdefault(key, value)

        @rule()
        def pop_item(self) -> None:
            if self.model:
                key, value = self.store.popitem()
                assert self.model.pop(key) == value

        @rule(value=values)
        def rewrite_while_iterating(self, value: Any) -> None:
            for key in self.store:
                self.store[key] = value
                self.model[key] = value

        @rule(pairs=st.dictionaries(keys, values, max_size=4))
        def replace_all(self, pairs: dict[Any, Any]) -> None:
            self.store.replace_all(pairs.items())
            self.model = dict(pairs)

        @rule(start=st.text("aAb/!", max_size=2), limit=st.none() | st.integers(0, 3))
        def search(self, start: str, limit: int | None) -> None:
            query = compile_query(pattern=prefix(start))
            matching = {key for key in self.model if query.matches_key(key)}
            found = list(self.store.keys(prefix(start), limit=limit))
            assert len(found) == (len(matching) if limit is None else min(limit, len(matching)))
            assert matching.issuperset(found)

        @rule(value=values)
        def search_value(self, value: Any) -> None:
            query = compile_query(conditions=eq(value))
            assert dict(self.store.items(eq(value))) == {k: v for k, v in self.model.items() if query.matches(k, v)}

        @rule()
        def clear(self) -> None:
            self.store.clear()
            self.model.clear()

        @precondition(lambda _: reopens)
        @rule()
        def reopen(self) -> None:
            self.store.close()
            self.store = self.make(self.path)

        @invariant()
        def agrees(self) -> None:
            assert len(self.store) == len(self.model)
            assert dict(self.store.items()) == self.model
            assert {key for key in self.model if key in self.store} == self.model.keys()

    return Machine
