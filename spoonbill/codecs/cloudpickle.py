"""Pickle where it is faithful, cloudpickle where it is needed, for values that are trusted."""

import pickle
import sys
from typing import Any, ClassVar

from spoonbill.common.enums import qualified
from spoonbill.common.failures import UNPICKLABLE, UNREADABLE, pass_on_signal
from spoonbill.errors import CodecError

__all__ = ["CloudpickleCodec"]


class CloudpickleCodec:
    """Holds what pickle holds, and lambdas, local functions and classes, and those of the running script.

    Pickle stores a function or class as a name. For those of ``__main__`` that name means something else in the next
    program, so they are stored by value, by cloudpickle. Loading runs what the stored bytes say: only for data that you
    trust, and with the same version of Python.
    """

    name: str = "cloudpickle"
    safe: bool = False
    _by_value: ClassVar[tuple[bytes, ...]] = (b"__main__", b"__mp_main__")
    """Modules that no other program has: the script, and what a spawned worker calls it."""

    def dumps(self, value: Any) -> bytes:
        """Return the value as a pickle; ``CodecError`` where neither pickle nor cloudpickle can hold it."""
        loaded = sys.modules.get("cloudpickle")
        # A module that the user registered to travel by value must not be stored by name.
        if loaded is None or not loaded.list_registry_pickle_by_value():
            try:
                data = pickle.dumps(value, 5)
            except UNPICKLABLE as error:  # cloudpickle, below, tells what is wrong if it cannot either
                pass_on_signal(error)
            else:
                for module in self._by_value:
                    if module in data:
                        break
                else:
                    return data
        import cloudpickle

        try:
            return bytes(cloudpickle.dumps(value, 5))
        except UNPICKLABLE as error:
            pass_on_signal(error)
            raise CodecError(f"cloudpickle cannot hold this {qualified(type(value))}: {error}") from error

    def loads(self, data: bytes) -> Any:
        """Return the pickled value; ``CodecError`` where it cannot be loaded."""
        try:
            return pickle.loads(data)
        except UNREADABLE as error:
            pass_on_signal(error)
            raise CodecError(f"the stored pickle cannot be loaded: {type(error).__name__}: {error}") from error

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"
