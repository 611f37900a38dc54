"""What the tests of query share."""

import enum
import math
from datetime import UTC, datetime

NAN = math.nan
NAIVE = datetime(2024, 1, 2, 3)
AWARE = datetime(2024, 1, 2, 3, tzinfo=UTC)


class Odd:
    """A class of a user's own whose == fails."""

    def __eq__(self, other):
        raise RuntimeError("no")

    __hash__ = None

    def __repr__(self):
        return "Odd()"


class Colour(enum.StrEnum):
    RED = "red"
