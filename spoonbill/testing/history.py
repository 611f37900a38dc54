"""The check of a recorded history: could one call after the other have given these results."""

from collections.abc import Hashable, Iterator
from typing import Any, Final, NamedTuple

from spoonbill.common.equality import python_equal
from spoonbill.common.sentinels import MISSING
from spoonbill.common.text import shortened
from spoonbill.testing.call import Call
from spoonbill.testing.recorder import Recorder

__all__ = ["check_history"]

_READS: Final = frozenset({"get", "has"})
_ABSENT: Final = -1
_SHOWN: Final = 30


def check_history(recorder: Recorder[Any, Any], *, most: int = 1_000_000) -> int:
    """Check that the calls on each key are linearizable: that some order of them, one at a time, explains every result.

    The order may change calls that overlapped, and no others. A write that raised an error, or that has not returned,
    may have been done at any time after its start, or never; a read that raised says nothing.

    Parameters
    ----------
    recorder : Recorder
        What recorded the calls.
    most : int, optional
        How many steps of the search are tried for a key.

    Returns
    -------
    int
        How many calls were checked.

    Raises
    ------
    AssertionError
        If no order explains the calls on a key. It tells the key, its history around the place where every order
        ends, and what the key held in one that came so far.
    RuntimeError
        If the search for a key took more than `most` steps, so that nothing is known: record fewer calls on a key.

    Notes
    -----
    The search is that of Wing and Gong, and remembers where it has been as Lowe proposed. Keys are independent of each
    other, so each is searched alone: an order *between* keys, as of a batch in one transaction, is not checked.

    Examples
    --------
    >>> from concurrent.futures import ThreadPoolExecutor
    >>> from spoonbill.datastores import InMemoryStore
    >>> store = Recorder(InMemoryStore({"a": 0}))
    >>> with ThreadPoolExecutor(4) as threads:
    ...     won = sum(threads.map(lambda number: store.replace("a", 0, number), range(1, 9)))
    >>> won, check_history(store)
    (1, 8)
    """
    checked = 0
    for name, calls in recorder.history().items():
        _Search(calls, recorder.first[name], most).run()
        checked += len(calls)
    return checked


class _Place(NamedTuple):
    """How far an order has come: every certain call before `low`, those in `beyond`, and some of the uncertain ones."""

    low: int
    beyond: int  # bit n is call low + n
    maybe: int
    state: int


class _Step(NamedTuple):
    """A call with small numbers for its values."""

    verb: str
    value: int
    expected: int
    result: Any
    call: Call

    def apply(self, state: int) -> tuple[Any, int]:  # noqa: PLR0911 - one for each verb
        """Return what the call returns, and what the key holds after it, where it held `state` before."""
        match self.verb:
            case "get":
                return state, state
            case "has":
                return state != _ABSENT, state
            case "set":
                return None, self.value
            case "delete":
                return state != _ABSENT, _ABSENT
            case "pop":
                return state, _ABSENT
            case "add":
                return state == _ABSENT, self.value if state == _ABSENT else state
            case "replace":
                return state == self.expected, self.value if state == self.expected else state
            case _:  # discard
                return state == self.expected, _ABSENT if state == self.expected else state


class _Search:
    """The search for an order of the calls on one key."""

    def __init__(self, calls: list[Call], first: Any, most: int) -> None:
        self._most = most
        self._calls = calls
        self._values: list[Any] = []
        self._numbers: dict[Hashable, int] = {}
        self._first = self._number(first)
        self._certain = [self._step(call) for call in calls if call.certain]
        self._maybe = [self._step(call) for call in calls if not call.certain and call.verb not in _READS]

    def run(self) -> None:
        """Find an order, or raise an AssertionError that tells how far the best one came."""
        start = best = _Place(0, 0, 0, self._first)
        pending, seen = [start], {start}
        while pending:
            place = pending.pop()
            if place.low == len(self._certain):
                return
            best = max(best, place, key=_length)
            for after in self._ways(place):
                if after not in seen:
                    seen.add(after)
                    pending.append(after)
            if len(seen) > self._most:
                raise RuntimeError(
                    f"{len(self._calls)} calls on key {shortened(self._calls[0].key)} were not decided in {self._most} "
                    "steps: record fewer calls on a key, or raise most="
                )
        raise AssertionError(self._told(best))

    def _ways(self, place: _Place) -> Iterator[_Place]:
        """Yield where each call leads that can come next; the last one is tried first."""
        following = self._following(place)
        until = min(self._certain[index].call.end for index in following)
        for index, step in enumerate(self._maybe):
            _, state = step.apply(place.state)
            if step.call.start <= until and state != place.state and not place.maybe >> index & 1:
                yield place._replace(maybe=place.maybe | 1 << index, state=state)
        for index in reversed(following):
            step = self._certain[index]
            answer, state = step.apply(place.state)
            if answer == step.result:
                yield _taken(place, index, state)

    def _following(self, place: _Place) -> list[int]:
        """Return the certain calls that are not in the order yet, up to one that starts after another ended."""
        found: list[int] = []
        until = None
        for index in range(place.low, len(self._certain)):
            if place.beyond >> (index - place.low) & 1:
                continue
            call = self._certain[index].call
            if until is not None and call.start > until:
                break
            found.append(index)
            until = call.end if until is None else min(until, call.end)
        return found

    def _step(self, call: Call) -> _Step:
        result = self._number(call.result) if call.certain and call.verb in {"get", "pop"} else call.result
        return _Step(call.verb, self._number(call.value), self._number(call.expected), result, call)

    def _number(self, value: Any) -> int:
        """Return one number for all values that are equal as `replace` sees it."""
        if value is MISSING:
            return _ABSENT
        try:
            known = self._numbers.get(value)
        except TypeError:  # no hash
            known = next((number for number, one in enumerate(self._values) if python_equal(one, value)), None)
            if known is not None:
                return known
        else:
            if known is not None:
                return known
            self._numbers[value] = len(self._values)
        self._values.append(value)
        return len(self._values) - 1

    def _told(self, best: _Place) -> str:
        held = "nothing" if best.state == _ABSENT else shortened(self._values[best.state])
        stuck = {id(self._certain[index].call) for index in self._following(best)}
        places = [place for place, call in enumerate(self._calls) if id(call) in stuck]
        low = max(0, min(places) - _SHOWN // 2)
        shown = self._calls[low : low + _SHOWN]
        zero = self._calls[0].start
        lines = [f"{'*' if id(call) in stuck else ' '} {_line(call, zero)}" for call in shown]
        return (
            f"the calls on key {shortened(self._calls[0].key)} are not linearizable: no order of them gives these "
            f"results. The best order of {len(self._certain)} calls ends after {_length(best)}, where the key holds "
            f"{held} and no call marked * can come next. Calls {low + 1} to {low + len(shown)} of {len(self._calls)}, "
            f"times in microseconds:\n" + "\n".join(lines)
        )


def _taken(place: _Place, index: int, state: int) -> _Place:
    """Return the place after a certain call."""
    beyond, low = place.beyond | 1 << (index - place.low), place.low
    while beyond & 1:
        beyond, low = beyond >> 1, low + 1
    return _Place(low, beyond, place.maybe, state)


def _length(place: _Place) -> int:
    return place.low + place.beyond.bit_count()


def _line(call: Call, zero: int) -> str:
    end = f"{(call.end - zero) / 1000:.1f}" if call.end else "?"
    return f"{(call.start - zero) / 1000:>10.1f} - {end:<10} {call.thread}: {call}"
