"""RedisStore and its addresses: sockets, TLS, sentinels, and passwords that are never shown."""

import pickle
import traceback

import pytest
import redis
from redis.sentinel import Sentinel

from spoonbill.datastores import RedisStore
from spoonbill.errors import StackError, StoreError, UnsupportedError
from tests.servers.redis_server import sentinel, server, url, wait_until
from tests.servers.tls_front import self_signed, tls_front

SERVER = server("--enable-debug-command", "yes")

pytestmark = pytest.mark.usefixtures("redis_running")


SECRET = "s3cr/t@#:?&%word"


def leaks(error):
    """Return whether a password is in an error, in what it came from, or in their traceback's text."""
    text = "".join(traceback.format_exception(error))
    while error is not None:
        text += str(error) + repr(error)
        error = error.__cause__ or error.__context__
    return SECRET in text or "s3cr" in text


def test_passwords_are_asked_for_and_never_shown():
    """No password and a wrong one are errors with the remedy, a right one works, and none is in a message or repr."""
    from urllib.parse import quote

    with server("--requirepass", "right") as process:
        place = f"127.0.0.1:{process.port}/0"
        with RedisStore(f"redis://{place}") as store, pytest.raises(StoreError, match="redis://user:password@host"):
            store["a"]
        for address, options in (
            (f"redis://:{quote(SECRET, safe='')}@{place}", {}),
            (f"redis://{place}?password={quote(SECRET, safe='')}", {}),
            (f"redis://{place}", {"password": SECRET}),
        ):
            with RedisStore(address, **options) as store:
                assert "s3cr" not in repr(store)
                assert "s3cr" not in str(store.explain("*"))
                with pytest.raises(StoreError, match="redis://user:password@host") as caught:
                    store["a"]
                assert not leaks(caught.value)
        with RedisStore(f"redis://:right@{place}") as store:
            store["a"] = 1
            assert store["a"] == "1"
            assert "right" not in repr(store)


def test_a_server_that_quotes_the_password_is_not_repeated():
    """A server without AUTH quotes what it was sent: the password is taken out of all that is raised."""
    with server("--rename-command", "AUTH", "", "--rename-command", "HELLO", "") as process:
        with RedisStore(f"redis://127.0.0.1:{process.port}", password=SECRET, protocol=2, retry_for=0) as store:
            with pytest.raises(StoreError) as caught:
                store["a"]
    assert "AUTH" in str(caught.value)
    assert not leaks(caught.value)


@pytest.mark.parametrize(
    "address",
    [
        f"redis://:{SECRET}@127.0.0.1:6379/0",
        "redis://:s3cr/t@127.0.0.1:6379",
        "redis://user:12#s3cr@127.0.0.1",
        "redis://:s3cr@127.0.0.1:port/0",
        "mysql://u:s3cr@127.0.0.1/0",
        "redis+sentinel://:s3cr@127.0.0.1:26379",
        "redis+sentinel://:s3cr@127.0.0.1:x/service",
    ],
)
def test_a_url_that_cannot_be_read_is_refused_without_its_password(address):
    """A URL with a password that nobody encoded is refused with the remedy, and not a letter of it is shown."""
    with pytest.raises(UnsupportedError, match="percent-encoded") as caught:
        RedisStore(address)
    assert not leaks(caught.value)


def test_options_and_clients_that_do_not_fit_are_refused():
    """Unknown options, other objects than clients, options beside a client, and contradictions are errors by name."""
    import redis.asyncio

    with pytest.raises(UnsupportedError, match="sockettimeout"):
        RedisStore(url(SERVER), sockettimeout=5)
    for client in (redis.asyncio.Redis(), object(), 6379):
        with pytest.raises(StackError, match="redis-py"):
            RedisStore(client)
    with redis.Redis(port=SERVER.port) as client:
        with pytest.raises(UnsupportedError, match="socket_timeout"):
            RedisStore(client, socket_timeout=5)
        with pytest.raises(UnsupportedError, match="cluster"):
            RedisStore(client, cluster=True)
    for address in ("redis://127.0.0.1/1", "unix:///tmp/x.sock", "redis+sentinel://127.0.0.1/service"):
        with pytest.raises(UnsupportedError, match="luster"):
            RedisStore(address, cluster=True)


def test_a_unix_socket(raw):
    """A unix:// URL reaches the server over its socket file, with a database of its choice."""
    with RedisStore(f"unix://{SERVER.directory}/redis.sock?db=3") as store:
        store["a"] = 1
        raw.select(3)
        assert raw.get("a") == b"1"
        with pickle.loads(pickle.dumps(store)) as copy:
            assert copy["a"] == "1"


def test_tls_with_a_certificate_of_our_own(raw, tmp_path):
    """rediss:// speaks TLS: it takes a certificate that it was told to trust, and refuses one that it was not."""
    certificate = self_signed(tmp_path)
    with tls_front(SERVER.port, certificate) as port:
        with RedisStore(f"rediss://127.0.0.1:{port}/0", ssl_ca_certs=str(certificate)) as store:
            store["a"] = "over TLS"
            assert raw.get("a") == b"over TLS"
            assert dict(store) == {"a": "over TLS"}
        with RedisStore(f"rediss://127.0.0.1:{port}/0", retry_for=0) as store:
            with pytest.raises(StoreError, match=r"certificate.*TLS"):
                store["a"]
        with RedisStore(f"valkeys://127.0.0.1:{port}/0", ssl_cert_reqs="none") as store:
            assert store["a"] == "over TLS"


def test_a_valkey_url(raw):
    """valkey:// is redis:// by the other name."""
    with RedisStore(f"valkey://127.0.0.1:{SERVER.port}/0") as store:
        store["a"] = 1
    assert raw.get("a") == b"1"


def test_sentinels_name_the_primary_also_after_a_failover():
    """By Sentinel the store finds the primary, pickles, and goes on writing when the primary dies."""
    with server() as first, server("--replicaof", f"127.0.0.1 {first.port}") as second:
        with redis.Redis(port=second.port) as client:
            wait_until(lambda: client.role()[3] == b"connected", "the replica")
            with sentinel(first, "main") as watch:
                _use_over_a_failover(first, watch, client)


def _use_over_a_failover(first, watch, second):
    with redis.Redis(port=watch.port) as asked:
        wait_until(lambda: asked.sentinel_slaves("main"), "the Sentinel's knowledge of the replica")
    handed = RedisStore(Sentinel([("127.0.0.1", watch.port)]).master_for("main"))
    with RedisStore(f"redis+sentinel://127.0.0.1:{watch.port}/main/0", retry_for=30) as store:
        store["a"] = 1
        for one in (store, handed):
            with pickle.loads(pickle.dumps(one)) as copy:
                assert copy["a"] == handed["a"] == "1"
        first.stop()
        store["a"] = 2
        assert store["a"] == handed["a"] == "2"
        assert second.get("a") == b"2"
    handed.close()
