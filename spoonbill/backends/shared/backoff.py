"""Pauses before a call is repeated: each about twice as long as the one before, shortened at random to part callers."""

import random
import time
from collections.abc import Iterator
from typing import Final

from spoonbill.common.bridging.bridge import pause

__all__ = ["attempts"]

_LONGEST: Final = 5.0
"""Seconds of the longest pause."""


def attempts(first: float, *, most: int | None = None, seconds: float | None = None) -> Iterator[int]:
    """Count attempts from 0, with a pause before each but the first.

    Parameters
    ----------
    first : float
        Seconds of the first pause, at most.
    most : int, optional
        How many attempts there are.
    seconds : float, optional
        No attempt begins so long after the first one.
    """
    until = None if seconds is None else time.monotonic() + seconds
    longest, attempt = first, 0
    while True:
        yield attempt
        attempt += 1
        if attempt == most or (until is not None and time.monotonic() > until):
            return
        pause(longest * random.uniform(0.5, 1))  # noqa: S311 - no secret
        longest = min(_LONGEST, longest * 2)
