"""Pickle by reference, and cloudpickle for what pickle cannot hold, for values that are trusted."""

import pickle
import sys
from typing import Any

from spoonbill.common.enums import qualified
from spoonbill.common.failures import UNPICKLABLE, UNREADABLE
from spoonbill.errors import CodecError

__all__ = ["PickleFirstCodec"]


class PickleFirstCodec:
    """Holds what pickle holds, as pickle holds it, and lambdas and local classes besides, by cloudpickle.

    A class of the running script is stored by its name, as :mod:`shelve` does it: the same script finds its own class
    again in its next run. Loading runs what the stored bytes say: only for data that you trust.
    """

    name: str = "pickle-first"
    safe: bool = False

    def dumps(self, value: Any) -> bytes:
        """Return the value as a pickle; ``CodecError`` where neither pickle nor cloudpickle can hold it."""
        loaded = sys.modules.get("cloudpickle")
        # A module that the user registered to travel by value must not be stored by name.
        if loaded is None or not loaded.list_registry_pickle_by_value():
            try:
                data = pickle.dumps(value, 5)
            except UNPICKLABLE:  # cloudpickle, below, tells what is wrong if it cannot either
                pass
            else:
                if b"__mp_main__" not in data:  # what a spawned worker calls the script: no other process has it
                    return data
        import cloudpickle

        try:
            return bytes(cloudpickle.dumps(value, 5))
        except UNPICKLABLE as error:
            raise CodecError(f"cloudpickle cannot hold this {qualified(type(value))}: {error}") from error

    def loads(self, data: bytes) -> Any:
        """Return the pickled value; ``CodecError`` where it cannot be loaded."""
        try:
            return pickle.loads(data)
        except UNREADABLE as error:
            raise CodecError(f"the stored pickle cannot be loaded: {type(error).__name__}: {error}") from error

    def __repr__(self) -> str:
        return "PickleFirstCodec()"
