"""When a look at what seldom changes is due, where the look costs as much as a write."""

from time import monotonic
from typing import Final

__all__ = ["Turns"]

_EVERY: Final = 64
"""Calls from one look to the next, at most."""
_SOON: Final = 0.05
"""Seconds after which the next call looks, whatever its number is."""


class Turns:
    """Says at which calls to look: at each, or at every 64th and at the first one after 50 ms.

    Parameters
    ----------
    always : bool
        Whether to look at each call: to ask for a file costs a thousandth of a write that reaches the disk, and a third
        of one that does not.
    """

    __slots__ = ("_always", "_at", "_left")

    def __init__(self, *, always: bool) -> None:
        self._always = always
        self._at = 0.0
        self._left = 0

    def is_due(self) -> bool:
        """Return whether to look now, and count this call. Threads that call it at once may look more or less often."""
        self._left -= 1
        if self._always or self._left < 0 or monotonic() > self._at:
            self._left = _EVERY - 1
            self._at = monotonic() + _SOON
            return True
        return False
