"""Synchronous code that an event loop waits for: it runs in a greenlet, which each of its waits suspends."""

import threading
import time
from collections.abc import Awaitable, Callable, Generator
from functools import cache
from importlib.util import find_spec
from types import CoroutineType, coroutine
from typing import Any, Final, TypeVar, cast

__all__ = [
    "Bridge",
    "caller",
    "can_bridge",
    "current",
    "drive",
    "have_begun",
    "in_bridge",
    "on_first_bridge",
    "pause",
    "wait_for",
]

T = TypeVar("T")

_KEPT: Final = 64
"""Greenlets of a thread that wait for their next call: a new one costs three times as much."""


class _OfThread(threading.local):
    """What a thread knows: the bridge that runs in it now, and the greenlets at rest."""

    bridge: "Bridge | None" = None

    def __init__(self) -> None:
        self.idle: list[Any] = []


_here: Final = _OfThread()
_first: "dict[Callable[[Any], None], Any] | None" = {}
"""What is to be done when the first bridge of the process begins; None afterwards."""


def on_first_bridge(work: Callable[[Any], None], argument: Any) -> bool:
    """Have a function called when the first bridge of the process begins; return whether one has begun already."""
    begun = _first
    if begun is not None:
        begun[work] = argument
    return _first is None


def have_begun() -> bool:
    """Return whether a bridge has begun in this process."""
    return _first is None


def _begin_first() -> None:
    global _first
    todo, _first = _first, None
    for work, argument in (todo or {}).items():
        work(argument)


@cache
def can_bridge() -> bool:
    """Return whether greenlet is installed, without which there are no bridges."""
    return find_spec("greenlet") is not None


@cache
def _made_of() -> tuple[Any, Callable[[], Any], type[BaseException]]:
    """Import greenlet when it is first needed."""
    from greenlet import GreenletExit, getcurrent, greenlet

    return greenlet, getcurrent, GreenletExit


def current() -> "Bridge | None":
    """Return the bridge that the caller runs in, None outside of one."""
    return _here.bridge


def in_bridge() -> bool:
    """Return whether an event loop waits for the caller, who then waits by `wait_for` and blocks nothing."""
    return _here.bridge is not None


def caller() -> "Bridge | int":
    """Return who calls: the bridge, outside of one the number of the thread."""
    return _here.bridge or threading.get_ident()


class Bridge:
    """One call of synchronous code, between an event loop and its waits.

    Attributes
    ----------
    thread : int
        The thread of the loop.
    held : dict
        What belongs to this call as a thread-local variable belongs to a thread.
    over : bool
        Whether the call has ended.
    """

    __slots__ = ("_closing", "_getcurrent", "_greenlet", "held", "over", "thread")

    def __init__(self, greenlet: Any, getcurrent: Callable[[], Any]) -> None:
        self.thread = threading.get_ident()
        self.held: dict[Any, Any] = {}
        self._greenlet, self._getcurrent = greenlet, getcurrent
        self._closing = self.over = False

    def enter(self, message: Any) -> Any:
        """Go on inside, and return what comes out: whether it is the end, and a future or the outcome."""
        before, _here.bridge = _here.bridge, self
        self._greenlet.parent = self._getcurrent()  # where the loop runs now
        try:
            return self._greenlet.switch(message)
        finally:
            _here.bridge = before

    def end(self) -> None:
        """Refuse every further wait: nobody will go on after it."""
        self._closing = True

    def wait(self, awaitable: Awaitable[T]) -> T:
        """Return what an awaitable gives, leaving to the loop only while that is not there yet."""
        running: Any = awaitable if type(awaitable) is CoroutineType else _awaited(awaitable)
        value: Any = None
        error: BaseException | None = None
        try:
            while True:
                try:
                    step = running.send(value) if error is None else running.throw(error)
                except StopIteration as stop:
                    return cast("T", stop.value)
                if self._closing:
                    running.close()
                    raise GeneratorExit
                value, error = self._greenlet.parent.switch((False, step))
        finally:
            del error  # it holds this frame by its traceback


async def _awaited(awaitable: Awaitable[T]) -> T:
    return await awaitable


def _serve(work: Callable[[], Any] | None) -> None:
    """Run one call after another in this greenlet; None ends it. What it gives and takes it does not keep."""
    me = _made_of()[1]()
    coming = [work]
    del work
    while coming[0] is not None:
        outcome = _outcome(coming.pop())
        coming.append(cast("Any", me.parent).switch(outcome))


def _outcome(work: Any) -> list[Any]:
    """Return that this is the end, with what the call returned or raised. Who gets the list empties it."""
    try:
        return [True, work(), None]
    except _made_of()[2]:  # the thread ends
        raise
    except BaseException as error:
        return [True, None, error]


@coroutine
def _driven(function: Callable[[], T]) -> Generator[Any, Any, T]:
    if _first is not None:
        _begin_first()
    greenlet, getcurrent, _ = _made_of()
    idle = _here.idle
    inner = idle.pop() if idle else greenlet(_serve)
    inner.gr_context = getcurrent().gr_context  # the task's own: what is set inside is set for the task
    bridge = Bridge(inner, getcurrent)
    answer = bridge.enter(function)
    while not answer[0]:
        try:
            value = yield answer[1]
        except GeneratorExit as error:
            bridge.end()
            answer = bridge.enter((None, error))
        except BaseException as error:
            answer = bridge.enter((None, error))
        else:
            answer = bridge.enter((value, None))
    _, result, failure = answer
    answer.clear()
    bridge.over = True
    inner.gr_context = None
    if len(idle) < _KEPT:
        idle.append(inner)
    else:
        inner.switch(None)
    if failure is None:
        return cast("T", result)
    try:
        raise failure
    finally:
        del failure  # it holds this frame by its traceback


async def drive(function: Callable[[], T]) -> T:
    """Run a function in a bridge: it blocks, and the event loop goes on while it waits by `wait_for`."""
    return await _driven(function)


def wait_for(awaitable: Awaitable[T]) -> T:
    """Wait in synchronous code for what an asynchronous client answers, while the event loop does other things.

    Parameters
    ----------
    awaitable : awaitable
        A coroutine, a future or a task.

    Returns
    -------
    object
        What it gives.

    Raises
    ------
    RuntimeError
        If the caller does not run in a bridge: nobody could go on with it there.

    Examples
    --------
    >>> import asyncio
    >>> from spoonbill.aio import wait_for
    >>> from spoonbill.common.bridging.bridge import drive
    >>> def answer():
    ...     return wait_for(asyncio.sleep(0, 42))
    >>> asyncio.run(drive(answer))
    42
    """
    bridge = _here.bridge
    if bridge is None:
        if isinstance(awaitable, CoroutineType):
            awaitable.close()
        raise RuntimeError(
            "wait_for() works inside a call of an asynchronous face in the mode 'bridge' alone: await the coroutine, "
            "or give it to asyncio.run()"
        )
    return bridge.wait(awaitable)


def pause(seconds: float) -> None:
    """Sleep; in a bridge so that the event loop goes on."""
    if _here.bridge is None:
        time.sleep(seconds)
    else:
        from asyncio import sleep

        wait_for(sleep(seconds))
