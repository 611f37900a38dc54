"""Pickle, for values that are trusted."""

import pickle
from typing import Any

from spoonbill.common.enums import qualified
from spoonbill.common.failures import UNPICKLABLE, UNREADABLE, pass_on_signal
from spoonbill.errors import CodecError

__all__ = ["PickleCodec"]


class PickleCodec:
    """Holds what pickle holds, by protocol 5. Loading runs what the stored bytes say: only for data that you trust.

    Bytes after the end of the pickle are ignored, as pickle does.
    """

    name: str = "pickle"
    safe: bool = False

    def dumps(self, value: Any) -> bytes:
        """Return the value as a pickle; ``CodecError`` where pickle cannot hold it."""
        try:
            return pickle.dumps(value, 5)
        except UNPICKLABLE as error:
            pass_on_signal(error)
            raise CodecError(
                f"pickle cannot hold this {qualified(type(value))}: {error}; the cloudpickle codec also holds lambdas "
                "and local classes"
            ) from error

    def loads(self, data: bytes) -> Any:
        """Return the pickled value; ``CodecError`` where it cannot be loaded."""
        try:
            return pickle.loads(data)
        except UNREADABLE as error:
            pass_on_signal(error)
            raise CodecError(f"the stored pickle cannot be loaded: {type(error).__name__}: {error}") from error

    def __repr__(self) -> str:
        return "PickleCodec()"
