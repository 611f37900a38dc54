"""When documents expire, for engines that keep it in a field of the document.

What has expired is absent at once: every read looks at the field. The service removes it some time later.
"""

import math
import time
from datetime import UTC, datetime
from typing import Any, Final

from spoonbill.backends.shared.documents.scheme import RESERVED
from spoonbill.errors import UnsupportedError

__all__ = ["EXPIRY", "REMOVAL", "as_time", "end_of", "must_expire", "now", "seconds_left"]

EXPIRY: Final = RESERVED + "until"
"""The field that holds the moment at which a document expires: a time, or seconds since 1970."""

REMOVAL: Final = RESERVED + "ttl"
"""The field by which DynamoDB removes items: whole seconds since 1970."""

_LAST: Final = 253_402_300_799.0  # the end of the year 9999, beyond which no engine has a time


def now() -> float:
    """Return the seconds since 1970."""
    return time.time()


def end_of(ttl: float) -> float | None:
    """Return the moment that is `ttl` seconds from now, in seconds since 1970; None where that is never."""
    end = now() + ttl
    return None if ttl == math.inf or end > _LAST else end


def as_time(seconds: float) -> datetime:
    """Return a moment as a time in UTC, to the millisecond and not before it."""
    return datetime.fromtimestamp(math.ceil(seconds * 1000) / 1000, UTC)


def seconds_left(moment: Any) -> float | None:
    """Return how long it is until a moment, below 0 where it is over; None for what is no moment."""
    if isinstance(moment, datetime):
        moment = moment.timestamp()
    if isinstance(moment, bool) or not isinstance(moment, int | float):
        return None
    return moment - now()


def must_expire(store: object) -> UnsupportedError:
    """Return the error for a ttl in a store that was not opened for it."""
    return UnsupportedError(
        f"{store!r} cannot expire entries, since it was not opened for that: open it with expires=True, leave ttl= "
        "out, or put Expiring(store) around it"
    )
