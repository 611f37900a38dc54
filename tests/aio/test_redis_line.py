"""The line to a Redis server: what comes over it, what happens where it breaks, and what goes beside it."""

import asyncio
import time

import hypothesis.strategies as st
import pytest
import redis
from hypothesis import given

from spoonbill.aio import AsyncStore
from spoonbill.backends import Redis
from spoonbill.backends.redis.replies import Replies
from spoonbill.common.bridging.bridge import drive
from spoonbill.datastores import RedisStore
from spoonbill.errors import StoreError, UnansweredError
from tests.servers.redis_server import server, url
from tests.servers.tls_front import self_signed, tls_front

SERVER = server("--rename-command", "EVAL", "", "--rename-command", "GETDEL", "")

pytestmark = pytest.mark.usefixtures("redis_running")

# -- answers -------------------------------------------------------------------------------------------------------

SIMPLE = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)
SCALARS = (
    st.binary(max_size=50).map(lambda value: (value, b"$%d\r\n%b\r\n" % (len(value), value)))
    | st.integers(-(10**30), 10**30).map(lambda value: (value, b"%b%d\r\n" % (b":("[abs(value) > 2**62 :][:1], value)))
    | SIMPLE.map(lambda value: (value.encode(), b"+%b\r\n" % value.encode()))
    | st.sampled_from([(None, b"$-1\r\n"), (None, b"*-1\r\n"), (None, b"_\r\n"), ([], b"*0\r\n"), ({}, b"%0\r\n")])
    | st.sampled_from([(True, b"#t\r\n"), (False, b"#f\r\n"), (1.5, b",1.5\r\n"), (b"text", b"=8\r\ntxt:text\r\n")])
)


def nested(items):
    lists = st.lists(items, min_size=1, max_size=4).map(
        lambda found: ([value for value, _ in found], b"*%d\r\n%b" % (len(found), b"".join(text for _, text in found)))
    )
    maps = st.lists(st.tuples(SIMPLE, items), min_size=1, max_size=3, unique_by=lambda pair: pair[0]).map(
        lambda found: (
            {name.encode(): value for name, (value, _) in found},
            b"%%%d\r\n%b" % (len(found), b"".join(b"+%b\r\n%b" % (name.encode(), text) for name, (_, text) in found)),
        )
    )
    return lists | maps


@given(st.lists(st.recursive(SCALARS, nested, max_leaves=12), max_size=6), st.lists(st.integers(1, 40), min_size=1))
def test_answers_are_read_however_they_are_cut(answers, sizes):
    """Any answers, cut into pieces of any sizes, come whole and in order; what was pushed between them does not."""
    data = b"".join(b">2\r\n+invalidate\r\n*1\r\n$1\r\na\r\n" + text for _, text in answers)
    found, replies, position, turn = [], Replies(), 0, 0
    while position < len(data):
        size = sizes[turn % len(sizes)]
        found += replies.feed(data[position : position + size])
        position, turn = position + size, turn + 1
    assert found == [value for value, _ in answers]


def test_an_error_is_an_answer_of_its_class():
    """Errors come as the client's own, also within an answer of many."""
    first, second, third = Replies().feed(
        b"-WRONGTYPE of a list\r\n*2\r\n:1\r\n-ERR unknown command\r\n!9\r\nLOADING x\r\n"
    )
    assert isinstance(first, redis.ResponseError)
    assert "of a list" in str(first)
    assert second[0] == 1
    assert isinstance(second[1], redis.ResponseError)
    assert isinstance(third, redis.exceptions.BusyLoadingError)


# -- the line ------------------------------------------------------------------------------------------------------


@pytest.fixture
def store():
    with redis.Redis(port=SERVER.port) as client:
        client.flushall()
    with RedisStore(url(SERVER), codec="json", retry_for=0) as made:
        yield made


def test_all_callers_share_one_connection(store):
    """A thousand calls at once go over one connection, and each has its own answer."""

    async def main():
        await asyncio.gather(*(store.aio.set(str(number), number) for number in range(1000)))
        assert await asyncio.gather(*(store.aio.get(str(number)) for number in range(1000))) == list(range(1000))
        with redis.Redis(port=SERVER.port) as client:
            return len(client.client_list()) - 1

    assert asyncio.run(main()) == 1


def test_large_values_go_and_come(store):
    """Values beyond what the sockets hold, many at once, wait for room and come back whole."""
    big = "x" * 3_000_000

    async def main():
        await asyncio.gather(*(store.aio.set(str(number), big + str(number)) for number in range(8)))
        found = await asyncio.gather(*(store.aio.get(str(number)) for number in range(8)))
        assert found == [big + str(number) for number in range(8)]

    asyncio.run(main())


def test_a_silent_server_is_given_up(store):
    """A server that says nothing for the client's time-out fails each call that waits, and the next line works."""
    short = RedisStore(url(SERVER), codec="json", retry_for=0, socket_timeout=0.5)

    async def main():
        await short.aio.set("a", 1)
        SERVER.pause()
        try:
            reads = [asyncio.create_task(short.aio.get("a")) for _ in range(5)]
            adds = [asyncio.create_task(short.aio.add("b", 1)) for _ in range(5)]
            told = await asyncio.wait_for(asyncio.gather(*reads, *adds, return_exceptions=True), 60)
        finally:
            SERVER.resume()
        assert all(isinstance(one, StoreError) for one in told)
        assert all(isinstance(one, UnansweredError) for one in told[5:])
        deadline = time.monotonic() + 60
        while True:
            try:
                assert await short.aio.get("a") == 1
            except StoreError:
                assert time.monotonic() < deadline
            else:
                return

    asyncio.run(main())
    short.close()


def test_what_is_no_server_of_redis_is_an_error():
    """Another program's answer fails the call, and does not hang it."""

    async def answer(reader, writer):
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await reader.read()
        writer.close()

    async def main():
        async with await asyncio.start_server(answer, "127.0.0.1", 0) as other:
            port = other.sockets[0].getsockname()[1]
            store = RedisStore(f"redis://127.0.0.1:{port}/0", retry_for=0, socket_timeout=5)
            with pytest.raises(StoreError):
                await asyncio.wait_for(store.aio.get("a"), 60)
            await store.aio.close()

    asyncio.run(main())


def test_a_watched_change_goes_beside_the_line():
    """Where scripts are forbidden a replace watches its key over a connection of its own, and one of many wins."""
    store = Redis(url(SERVER, 1))

    async def main():
        face = store.aio
        await face.set("a", b"1")
        assert sum(await asyncio.gather(*(face.replace("a", b"1", b"2") for _ in range(20)))) == 1
        taken = await asyncio.gather(*(face.pop("a", None) for _ in range(20)))
        assert [one for one in taken if one is not None] == [b"2"]
        assert store.loop_handles._kept[asyncio.get_running_loop()][0]._pool._places._value == 64

    asyncio.run(main())
    store.close()


def test_unix_sockets_are_awaited_too():
    """A server behind a unix socket is bridged."""
    store = RedisStore(f"unix://{SERVER.directory}/redis.sock?db=3", codec="json")
    assert store.aio.mode == "bridge"

    async def main():
        await store.aio.set("a", 1)
        return await store.aio.get("a")

    assert asyncio.run(main()) == 1
    store.close()


def test_tls_is_awaited_too(tmp_path):
    """An encrypted connection is bridged, with its certificate checked."""
    certificate = self_signed(tmp_path)
    with tls_front(SERVER.port, certificate) as port:
        store = RedisStore(f"rediss://127.0.0.1:{port}/4", codec="json", ssl_ca_certs=str(certificate))
        assert store.aio.mode == "bridge"

        async def main():
            await asyncio.gather(*(store.aio.set(str(number), "x" * 50_000) for number in range(20)))
            return len(await store.aio.items())

        assert asyncio.run(main()) == 20
        store.close()


def test_a_client_that_was_handed_in_goes_by_threads():
    """It is the user's, and synchronous."""
    with redis.Redis(port=SERVER.port) as client:
        store = RedisStore(client)
        assert store.aio.mode == "threads"
        asyncio.run(store.aio.set("a", "1"))
        assert asyncio.run(AsyncStore(store).get("a")) == "1"
        asyncio.run(store.aio.release())


def test_a_server_of_its_own_kind_within_a_bridge(store):
    """A synchronous client that is used inside a bridge, as a cluster's, is used as it is outside of one."""
    with redis.Redis(port=SERVER.port) as client:
        other = RedisStore(client)
        assert asyncio.run(drive(lambda: (other.set("x", "1"), other.get("x")))) == (None, "1")
