"""What a call can raise on its own account, so that nothing else is caught.

An exception can also arrive from outside, in the middle of any call: a time limit that a signal handler raises, a job
runner's soft limit, an interrupt. It says nothing of the data, and must pass.
"""

import pickle
import struct
from typing import Final

__all__ = ["UNPICKLABLE", "UNREADABLE", "UNSOUND"]

UNSOUND: Final = (ValueError, TypeError, LookupError, ArithmeticError, AttributeError, RecursionError)
"""What Python's own functions raise of a value or of bytes that they cannot take."""

UNREADABLE: Final = (
    *UNSOUND,
    EOFError,
    ImportError,
    NotImplementedError,
    struct.error,
    pickle.UnpicklingError,
    Warning,
)
"""What decoding damaged bytes raises; a Warning where the program turns warnings into errors."""

UNPICKLABLE: Final = (*UNSOUND, NotImplementedError, pickle.PicklingError)
"""What pickling a value that cannot be pickled raises."""
