"""One call that a recorder saw."""

from dataclasses import dataclass
from typing import Any

from spoonbill.common.sentinels import MISSING
from spoonbill.common.text import shortened

__all__ = ["Call"]


@dataclass(slots=True, eq=False)
class Call:
    """One call of a verb on one key, and what came of it.

    Attributes
    ----------
    verb : str
        ``get``, ``has``, ``set``, ``delete``, ``add``, ``pop``, ``replace`` or ``discard``.
    key : object
        As it was given.
    value, expected : object
        What the call was to write, and what it expected to find; `MISSING` where the verb takes none.
    result : object
        What it returned. Of `get` and `pop` `MISSING` is absence.
    error : BaseException or None
        What it raised in place of a result.
    thread : str
        The name of the thread.
    start, end : int
        When it was called and when it returned, in nanoseconds of `time.perf_counter_ns`; an `end` of 0 has not come.
    """

    verb: str
    key: Any
    value: Any = MISSING
    expected: Any = MISSING
    result: Any = None
    error: BaseException | None = None
    thread: str = ""
    start: int = 0
    end: int = 0

    @property
    def certain(self) -> bool:
        """Whether it returned, so that what it did is known."""
        return self.end != 0 and self.error is None

    def __str__(self) -> str:
        given = [self.key, *(one for one in (self.expected, self.value) if one is not MISSING)]
        if self.error is not None:
            came = f"raised {type(self.error).__name__}"
        elif self.end == 0:
            came = "has not returned"
        else:
            came = "-> absent" if self.result is MISSING else f"-> {shortened(self.result)}"
        return f"{self.verb}({', '.join(map(shortened, given))}) {came}"
