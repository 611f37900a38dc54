"""What came from outside is told from what a call fails with."""

import ctypes
import functools
import signal
import threading
import time

import pytest

from spoonbill.common.failures import (
    came_from_outside,
    pass_on,
    pass_on_signal,
    suppress_failures,
    was_raised_by_signal,
)


class JobTimeout(Exception):
    """What a job runner raises at its time limit."""


class OfAnotherPackage(Exception):
    """An error of a library whose code does not run."""


OfAnotherPackage.__module__ = "elsewhere.errors"


class Limit:
    """A job runner's handlers, in the forms that a handler can have."""

    def __init__(self, error):
        self.error = error

    def __call__(self, *_):
        raise self.error

    def method(self, _number, _frame):
        raise self.error

    def deep(self, *_):
        self()

    def partial(self, error, *_):
        raise error


@pytest.fixture(params=["function", "object", "method", "deep", "partial"])
def handler(request):
    def make(error):
        def function(_number, _frame):
            raise error

        limit = Limit(error)
        forms = {
            "function": function,
            "object": limit,
            "method": limit.method,
            "deep": limit.deep,
            "partial": functools.partial(limit.partial, error),
        }
        return forms[request.param]

    return make


@pytest.fixture
def caught():
    """Return what a call raises when a signal arrives in it."""
    before = signal.getsignal(signal.SIGUSR1)

    def catch(handle):
        signal.signal(signal.SIGUSR1, handle)
        try:
            signal.raise_signal(signal.SIGUSR1)
        except BaseException as error:
            return error, was_raised_by_signal(error), came_from_outside(error)

    yield catch
    signal.signal(signal.SIGUSR1, before)


@pytest.mark.parametrize("kind", [JobTimeout, TimeoutError, ValueError, KeyError, RuntimeError])
def test_what_a_handler_raises_is_known_whatever_its_class_is(kind, handler, caught):
    """Job runners raise classes of their own, and also built-in ones, which a call may raise too."""
    error = kind("too late")
    assert caught(handler(error)) == (error, True, True)


def test_what_another_thread_raises_is_known_by_its_class():
    """Its package has no code in the call: no library raises what it does not know."""
    arrived = []

    def work():
        try:
            while True:
                time.sleep(0.001)
        except Exception as error:
            arrived.append((type(error), came_from_outside(error)))

    thread = threading.Thread(target=work)
    thread.start()
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(OfAnotherPackage))
    thread.join(5)
    assert arrived == [(OfAnotherPackage, True)]


@pytest.mark.parametrize("error", [JobTimeout("of this module"), OSError("disk"), ValueError("x"), TimeoutError()])
def test_what_a_call_raises_by_itself_is_its_own(error):
    """A class of the code that runs, or one of Python's own, with no handler on the way."""

    def call():
        raise error

    with suppress_failures():
        call()
    with pytest.raises(type(error)) as raised:
        call()
    pass_on(raised.value)
    pass_on_signal(raised.value)
    assert not came_from_outside(raised.value)
    assert not was_raised_by_signal(raised.value)


def test_an_interrupt_is_from_outside():
    """No call raises KeyboardInterrupt on its own account."""
    assert came_from_outside(KeyboardInterrupt())
