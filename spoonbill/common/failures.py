"""What a call can raise on its own account, so that nothing else is caught.

An exception can also arrive from outside, in the middle of any call: a time limit that a signal handler raises, a job
runner's soft limit, an interrupt. It says nothing of the data, and must pass.
"""

import _signal  # type: ignore[import-not-found] # signal makes an Enum of each answer, which takes 300 us
import pickle
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from types import CodeType, FrameType
from typing import Any, Final, NoReturn

__all__ = [
    "UNPICKLABLE",
    "UNREADABLE",
    "UNSOUND",
    "came_from_outside",
    "pass_on",
    "pass_on_signal",
    "raise_alone",
    "suppress_failures",
    "was_raised_by_signal",
]

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

_OURS: Final = frozenset({"spoonbill", "builtins"})


def was_raised_by_signal(error: BaseException) -> bool:
    """Return whether the handler of a signal raised an error, of whatever class."""
    frames = list(_frames_of(error))
    return bool(frames) and not _handlers().isdisjoint(frame.f_code for frame in frames)


def came_from_outside(error: BaseException) -> bool:
    """Return whether an error arrived in the middle of a call, by a signal or another thread, and is not of the call.

    What another thread raises here is known by its class: that of a package none of whose code was running. So ask this
    only of an error that Python code raised; a compiled client shows no code of its own.
    """
    if not isinstance(error, Exception) or was_raised_by_signal(error):
        return True
    package = _package(type(error).__module__)
    if package in _OURS or package in sys.stdlib_module_names:
        return False
    return package not in {_package(frame.f_globals.get("__name__", "")) for frame in _frames_of(error)}


def raise_alone(error: BaseException, *, cause: BaseException | None = None) -> NoReturn:
    """Raise an error that a variable holds, with its cause if it is another.

    A frame that raises what its own variable holds is a cycle of references with the error's traceback, which would
    keep the store that the call was made on.
    """
    try:
        if cause is None or cause is error:
            raise error
        raise error from cause
    finally:
        del error, cause


def pass_on(error: BaseException) -> None:
    """Raise an error that came from outside; return where it is the call's own."""
    if came_from_outside(error):
        raise_alone(error)


def pass_on_signal(error: BaseException) -> None:
    """Raise an error that the handler of a signal raised; return where it is another."""
    if was_raised_by_signal(error):
        raise_alone(error)


@contextmanager
def suppress_failures(*kinds: type[Exception]) -> Iterator[None]:
    """Ignore what the block itself fails with, as for tidying up; what arrives from outside passes.

    Parameters
    ----------
    *kinds : exception types, optional
        What it can fail with; any exception where none is given.
    """
    try:
        yield
    except Exception as error:
        if kinds and not isinstance(error, kinds):
            raise
        pass_on(error)


def _package(module: str) -> str:
    return module.partition(".")[0]


def _frames_of(error: BaseException) -> Iterator[FrameType]:
    trace = error.__traceback__
    while trace is not None:
        yield trace.tb_frame
        trace = trace.tb_next


def _handlers() -> set[CodeType | None]:
    """Return the code of each handler of a signal that is written in Python."""
    return {_code_of(handler) for handler in map(_signal.getsignal, range(1, _signal.NSIG)) if callable(handler)}


def _code_of(handler: Any) -> CodeType | None:
    while isinstance(handler, partial):
        handler = handler.func
    function = getattr(handler, "__func__", handler)
    code = getattr(function, "__code__", None) or getattr(vars(type(handler)).get("__call__"), "__code__", None)
    return code if isinstance(code, CodeType) else None
