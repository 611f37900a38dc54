"""Every order in which the steps of several writers can follow each other, by running each writer again from its start.

A step is one call on a store. What a writer does next depends on the answers it got alone, so its next step is found
by running it anew with the answers that it had; no threads, and states that were seen are not entered twice.
"""

from typing import Any

from spoonbill.common.sentinels import MISSING
from spoonbill.store import Store

KEY = "key"


class Paused(BaseException):
    """A writer has made its step."""


class Turn:
    """One writer's run: its earlier answers, and the state on which it makes one step more."""

    def __init__(self, answers: tuple[Any, ...], state: dict[str, Any]) -> None:
        self.answers = list(answers)
        self.state = state
        self.asked = 0

    def step(self, work: Any) -> Any:
        if self.asked < len(self.answers):
            self.asked += 1
            return self.answers[self.asked - 1]
        self.answers.append(work())
        raise Paused


class Stepped(Store[str, Any]):
    """One key of a shared state as a store, each call a step, a batch of that key too."""

    turn: Turn

    def __init__(self, place: str) -> None:
        self.place = place

    def get(self, key: str, default: Any = None) -> Any:
        found = self.turn.step(lambda: self.turn.state[self.place])
        return default if found is MISSING else found

    def has(self, key: str) -> bool:
        return self.turn.step(lambda: self.turn.state[self.place] is not MISSING)

    def set(self, key: str, value: Any) -> None:
        self.turn.step(lambda: self.turn.state.__setitem__(self.place, value))

    def delete(self, key: str) -> bool:
        return self.turn.step(lambda: self._put(MISSING) is not MISSING)

    def add(self, key: str, value: Any) -> bool:
        return self.turn.step(lambda: self.turn.state[self.place] is MISSING and self._put(value) is MISSING)

    def pop(self, key: str, default: Any = None) -> Any:
        return self.turn.step(lambda: self._put(MISSING))

    def iter(self) -> Any:
        return iter([KEY] if self.has(KEY) else [])

    def clear(self) -> None:
        self.delete(KEY)

    def get_many(self, keys: Any, default: Any = None) -> list[Any]:
        return [self.get(key, default) for key in keys]  # one key is all there is

    def set_many(self, pairs: Any) -> None:
        for key, value in pairs:
            self.set(key, value)

    def delete_many(self, keys: Any) -> int:
        return sum(self.delete(key) for key in keys)

    def _put(self, value: Any) -> Any:
        before = self.turn.state[self.place]
        self.turn.state[self.place] = value
        return before


def ends(wrap: Any, writers: list[Any], data: Any, index: Any, *, deaths: bool = False) -> list[dict[str, Any]]:
    """Return every state in which the writers can end, each with the number of steps that each writer made.

    Parameters
    ----------
    wrap : callable
        Makes a store of the data and the index.
    writers : list of callables
        Each does one thing to the store that it is given.
    data, index : object
        What is there when they begin.
    deaths : bool
        Whether the first writer may end at any step.
    """
    begin = ({"data": data, "index": index}, tuple(() for _ in writers), frozenset())
    waiting, seen, found = [begin], set(), []
    data_store, index_store = Stepped("data"), Stepped("index")
    store = wrap(data_store, index_store)
    while waiting:
        state, answers, done = waiting.pop()
        if len(done) == len(writers):
            found.append({**state, "steps": [len(given) for given in answers]})
        for number in range(len(writers)):
            if number in done:
                continue
            if deaths and number == 0:
                waiting.append((state, answers, done | {0}))
            turn = data_store.turn = index_store.turn = Turn(answers[number], dict(state))
            try:
                writers[number](store)
                after = (turn.state, answers, done | {number})
            except Paused:
                moved = (*answers[:number], tuple(turn.answers), *answers[number + 1 :])
                after = (turn.state, moved, done)
            if (known := repr(after)) not in seen:
                seen.add(known)
                waiting.append(after)
    return found
