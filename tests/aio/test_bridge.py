"""Bridges: synchronous code that an event loop waits for, and the twins of asynchronous clients."""

import asyncio
import contextvars
import gc
import weakref

import pytest

from spoonbill.aio import Twin, wait_for
from spoonbill.common.bridging.bridge import drive


def test_a_wait_gives_what_it_waited_for_and_the_loop_goes_on():
    """Code in a bridge waits for a coroutine and for a future, while another task of the loop runs."""

    async def main():
        future = asyncio.get_running_loop().create_future()

        async def other():
            for _ in range(5):
                await asyncio.sleep(0)
            future.set_result(2)

        task = asyncio.create_task(other())
        assert await drive(lambda: (wait_for(asyncio.sleep(0, 1)), wait_for(future))) == (1, 2)
        await task

    asyncio.run(main())


def test_errors_come_out_and_go_in():
    """What the code raises comes to the caller, what a coroutine raises to the code."""

    async def broken():
        await asyncio.sleep(0)
        raise ValueError("broken")

    def caught():
        with pytest.raises(ValueError, match="broken"):
            wait_for(broken())
        raise KeyError("out")

    with pytest.raises(KeyError, match="out"):
        asyncio.run(drive(caught))


def test_a_cancellation_is_raised_at_the_wait():
    """A cancelled task ends where it waits: its blocks end, which may wait too, and nothing after them is done."""
    done = []

    def work():
        try:
            wait_for(asyncio.sleep(60))
        finally:
            wait_for(asyncio.sleep(0))
            done.append("finally")
        done.append("after")

    async def main():
        task = asyncio.create_task(drive(work))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert done == ["finally"]


def test_a_call_that_is_given_up_ends_without_another_wait():
    """A coroutine that is closed lets the code end: a further wait in its blocks raises."""
    done = []

    def work():
        try:
            wait_for(asyncio.sleep(60))
        finally:
            done.append("finally")
            wait_for(asyncio.sleep(60))
            done.append("after")

    async def main():
        call = drive(work)
        call.send(None)
        call.close()

    asyncio.run(main())
    assert done == ["finally"]


def test_context_variables_are_the_tasks_own():
    """The code sees the variables of its task, and sets them for it, in a greenlet that served another task before."""
    name = contextvars.ContextVar("name", default="")

    def work():
        wait_for(asyncio.sleep(0))
        name.set(name.get() + "!")

    async def one(text):
        name.set(text)
        await drive(work)
        return name.get()

    async def main():
        return [await asyncio.gather(one("a"), one("b")), *(await asyncio.gather(one("c"))), name.get()]

    assert asyncio.run(main()) == [["a!", "b!"], "c!", ""]


def test_a_wait_outside_of_a_bridge_is_refused():
    """There is no loop to go on meanwhile."""
    with pytest.raises(RuntimeError, match="mode 'bridge'"):
        wait_for(asyncio.sleep(0))


def test_nothing_is_kept_of_a_call_that_is_over():
    """Its arguments, its result and its error go away with the last name for them, without a collection."""

    class Thing:
        pass

    def fail(thing):
        raise ValueError(thing)

    async def main():
        things = [Thing() for _ in range(3)]
        gone = [weakref.ref(thing) for thing in things]
        assert await drive(lambda thing=things[0]: thing) is things[0]
        with pytest.raises(ValueError, match="Thing"):
            await drive(lambda thing=things[1]: fail(thing))
        await drive(lambda thing=things[2]: wait_for(asyncio.sleep(0)))
        del things
        return gone

    gc.disable()
    try:
        first, _, third = asyncio.run(main())
        assert first() is None
        assert third() is None
    finally:
        gc.enable()


def test_bridges_within_bridges():
    """A task that begins inside a bridge, and runs before its code goes on, has a bridge of its own."""

    def inner():
        return wait_for(asyncio.sleep(0, "inner"))

    def outer():
        task = asyncio.get_running_loop().create_task(drive(inner))
        return wait_for(drive(inner)), wait_for(task)

    assert asyncio.run(drive(outer)) == ("inner", "inner")


class Row:
    async def read(self):
        await asyncio.sleep(0)
        return "read"


class Client:
    """What asynchronous clients are made of."""

    name = "client"

    async def row(self):
        return Row()

    def itself(self):
        return self

    def is_mine(self, row):
        return type(row) is Row

    async def rows(self):
        for _ in range(2):
            await asyncio.sleep(0)
            yield Row()

    def __getitem__(self, key):
        return Row()

    async def __aenter__(self):
        return self

    async def __aexit__(self, *exc_info):
        self.name = "left"


def test_a_twin_is_used_as_its_synchronous_twin_is():
    """Coroutines, generators, blocks and objects of the client's modules work without a word of asyncio."""

    def work():
        twin = Twin(Client(), __name__)
        assert twin.itself() is twin
        assert twin.name == "client"
        assert twin.row().read() == twin["a"].read() == "read"
        assert twin.is_mine(twin["a"])
        assert [row.read() for row in twin.rows()] == ["read", "read"]
        with twin as same:
            assert same is twin
        assert twin.name == "left"
        with pytest.raises(AttributeError, match="nothing"):
            _ = twin.nothing

    asyncio.run(drive(work))
