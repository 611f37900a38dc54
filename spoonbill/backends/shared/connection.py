"""An engine's handle: made when it is first needed, made anew after a fork, closed only where it is ours."""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from weakref import WeakSet, finalize

from spoonbill.common.bridging.bridge import current
from spoonbill.common.locks import new_lock
from spoonbill.common.weak import weakly
from spoonbill.errors import ClosedError

if TYPE_CHECKING:
    from spoonbill.common.bridging.loop_handles import LoopHandles

__all__ = ["Connection"]

H = TypeVar("H")

_all: WeakSet["Connection[Any]"] = WeakSet()
_of_the_parent: list[Any] = []


class Connection(Generic[H]):
    """Holds the handle by which a backend talks to its engine.

    Parameters
    ----------
    connect : callable
        Makes the handle. Called once, and once more in each forked child, since sockets are not to be shared.
    disconnect : callable or None
        Closes what `connect` opened, also where a store is simply let go; so it must not know the store. None where
        the client was handed in.
    closed : callable
        Returns the error of a use after `close`.
    loops : LoopHandles, optional
        Gives the handle of the running event loop, to calls inside a bridge.
    """

    def __init__(
        self,
        connect: Callable[[], H],
        disconnect: Callable[[H], object] | None,
        closed: Callable[[], ClosedError],
        loops: "LoopHandles[H] | None" = None,
    ) -> None:
        self.loops = loops
        self._connect = weakly(connect)
        self._closed_error = weakly(closed)
        self._closed = False
        self._handle: H | None = None
        self._opened: list[H] = []
        self._lock = new_lock()
        self._release = finalize(self, _disconnect_all, self._opened, disconnect)
        _all.add(self)

    def __call__(self) -> H:
        """Return the handle.

        Raises
        ------
        ClosedError
            After `close`.
        """
        if self.loops is not None and current() is not None:
            return self._of_loop(self.loops)
        handle = self._handle
        return handle if handle is not None else self._connected()

    def _of_loop(self, loops: "LoopHandles[H]") -> H:
        if self._closed:
            raise self._closed_error()
        return loops()

    def _connected(self) -> H:
        with self._lock:
            if self._closed:
                raise self._closed_error()
            if self._handle is None:
                self._handle = self._connect()
                self._opened.append(self._handle)
            return self._handle

    def close(self) -> None:
        """Close the handle. Closing twice is no error."""
        with self._lock:
            self._handle, self._closed = None, True
            self._release()
        if self.loops is not None:
            self.loops.close()

    def forget(self) -> None:
        """Let go of the parent's handle in a forked child, without a word to the engine."""
        self._handle = None
        _of_the_parent.extend(self._opened)  # were they collected, their clean-up would speak on the parent's sockets
        self._opened.clear()


def _disconnect_all(opened: list[H], disconnect: Callable[[H], object] | None) -> None:
    while opened:
        handle = opened.pop()
        if disconnect is not None:
            disconnect(handle)


def _forget_all() -> None:
    for connection in list(_all):
        connection.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
