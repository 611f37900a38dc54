"""Names for the parameters of a test that are the same in every process."""

import re
from typing import Any


def shown(parameter: Any) -> str:
    """Return the repr of `parameter` without addresses in memory."""
    return re.sub(r" at 0x[0-9a-f]+", "", repr(parameter))
