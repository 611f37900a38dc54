"""A thread that listens to what others write to an engine, for a cache in front of it."""

import os
import threading
from collections.abc import Callable, Iterator
from typing import Any
from weakref import WeakSet

from spoonbill.backends.shared.backoff import attempts
from spoonbill.errors import ClosedError

__all__ = ["Heard", "Watch"]

Heard = Callable[[list[Any] | None, bool], bool]
"""Is told the keys that changed, as the engine knows them, None for any; and whether it will be told of more.

It returns whether it still listens.
"""

_all: WeakSet["Watch"] = WeakSet()


class Watch:
    """Tells of changes until it is closed, or nobody listens; tells also when it cannot hear, and begins again.

    Parameters
    ----------
    listen : callable
        Connects, and returns an iterator: it yields None once it hears, then lists of keys, and an empty list from time
        to time. It raises where the connection is lost.
    heard : callable
        Is told, in a thread of its own.
    """

    def __init__(self, listen: Callable[[], Iterator[list[Any] | None]], heard: Heard) -> None:
        self._listen, self._heard = listen, heard
        self._closed = False
        _all.add(self)
        self._start()

    def _start(self) -> None:
        threading.Thread(target=self._run, name="spoonbill watch", daemon=True).start()

    def _run(self) -> None:
        process = os.getpid()
        for _ in attempts(0.05):
            try:
                for keys in self._listen():
                    if self._closed or os.getpid() != process or not self._heard(keys, True):
                        return
            except ClosedError:
                self._closed = True
            except Exception:  # noqa: S110 - whatever it was: the calls of the store itself tell, and this begins again
                pass
            if not self._heard(None, False) or self._closed:
                return

    def close(self) -> None:
        """Stop telling."""
        self._closed = True

    def begin_again(self) -> None:
        """Listen in a forked child, where the thread of the parent is not."""
        if not self._closed and self._heard(None, False):
            self._start()


def _begin_all_again() -> None:
    for watch in list(_all):
        watch.begin_again()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_all_again)
