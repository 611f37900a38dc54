"""The part of the contract that one thread alone cannot show."""

import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

from spoonbill.common.sentinels import MISSING
from spoonbill.store import Store
from spoonbill.testing.samples import Samples

_CONTENDERS = 4
_ROUNDS = 8


class RaceRules(Samples):
    """Each verb that is one step stays one step between the threads of this process."""

    def test_one_thread_wins_a_step(self, store: Store[Any, Any]) -> None:
        """Of threads that add, replace, discard or pop the same entry at once, exactly one succeeds."""
        key, (before, *after) = self.keys[0], self.values
        steps: dict[str, Callable[[int], bool]] = {
            "add": lambda number: store.add(key, after[number]),
            "replace": lambda number: store.replace(key, before, after[number]),
            "discard": lambda _: store.discard(key, before),
            "pop": lambda _: store.pop(key, MISSING) is not MISSING,
        }
        for verb, step in steps.items():
            for _ in range(_ROUNDS):
                if verb == "add":
                    store.delete(key)
                else:
                    store.set(key, before)
                won = at_once(store, step)
                assert (verb, sum(won)) == (verb, 1)
                left = store.get(key, MISSING)
                assert left is MISSING if verb in {"discard", "pop"} else left == after[won.index(True)]

    def test_threads_keep_each_others_keys(self, store: Store[Any, Any]) -> None:
        """What threads set, update and delete at once, each under keys of its own, is all there, and all gone."""
        value, count = self.values[0], 6
        own = [[f"thread-{number}-{at}" for at in range(count)] for number in range(_CONTENDERS)]

        def write(number: int) -> None:
            for at, key in enumerate(own[number]):
                if at % 2:
                    store.set(key, value)
                else:
                    store.set_many([(key, value)])

        at_once(store, write)
        assert sorted(store) == sorted(key for keys in own for key in keys)
        deleted = at_once(store, lambda number: [store.delete(key) for key in own[number]])
        assert deleted == [[True] * count] * _CONTENDERS
        assert list(store) == []


def at_once(store: Store[Any, Any], work: Callable[[int], Any]) -> list[Any]:
    """Return what `work` returns for each number, called in threads that start together.

    Each thread lets the others run after every line of the store's own code, so that a gap between two steps is met.
    """
    together = threading.Barrier(_CONTENDERS)
    results: list[Any] = [None] * _CONTENDERS
    errors: list[BaseException] = []
    files = _files_of(store)

    def turn_by_turn(frame: FrameType, event: str, _: Any) -> Any:
        if frame.f_code.co_filename not in files:
            return None
        if event == "line":
            time.sleep(1e-6)
        return turn_by_turn

    def run(number: int) -> None:
        try:
            together.wait(60)
            sys.settrace(turn_by_turn)
            results[number] = work(number)
        except BaseException as error:  # raised below, where the test sees it
            errors.append(error)
        finally:
            sys.settrace(None)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(_CONTENDERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return results


def _files_of(store: Any) -> set[str]:
    """Return the source files of the classes of a store and of those below it."""
    files: set[str] = set()
    while store is not None:
        modules = (sys.modules.get(kind.__module__) for kind in type(store).__mro__)
        files.update(file for module in modules if (file := getattr(module, "__file__", None)))
        store = getattr(store, "inner", None)
    return files
