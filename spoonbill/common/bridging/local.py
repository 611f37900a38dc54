"""A value that belongs to a thread, or to a call in a bridge."""

import threading
from typing import Generic, TypeVar

from spoonbill.common.bridging.bridge import current

__all__ = ["Local"]

T = TypeVar("T")


class Local(Generic[T]):
    """Holds one value a thread, and one a call in a bridge: all of those share the thread of their event loop.

    Parameters
    ----------
    default : object
        The value where none was set.
    """

    def __init__(self, default: T) -> None:
        self._default = default
        self._of_threads = threading.local()

    @property
    def value(self) -> T:
        """The value."""
        bridge = current()
        if bridge is None:
            return getattr(self._of_threads, "value", self._default)
        return bridge.held.get(self, self._default)  # type: ignore[no-any-return]

    @value.setter
    def value(self, value: T) -> None:
        bridge = current()
        if bridge is None:
            self._of_threads.value = value
        else:
            bridge.held[self] = value
