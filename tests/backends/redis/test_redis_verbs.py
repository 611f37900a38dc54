"""What RedisStore does on the server, seen by the raw client."""

import math

import pytest
import redis

from spoonbill import Cached, Codec, prefix
from spoonbill.backends import Redis
from spoonbill.common.sentinels import MISSING
from spoonbill.datastores import InMemoryStore, LmdbStore, RedisStore
from spoonbill.errors import (
    CodecError,
    InvalidKeyError,
    KeyDecodeError,
    KeyTooLongError,
    StoreError,
    UnsupportedError,
    ValueTooLargeError,
)
from tests.servers.redis_server import calls, server, url

SERVER = server()

pytestmark = pytest.mark.usefixtures("redis_running")


def test_the_specification_runs(raw):
    """The specification's snippet holds, its key lists as sets: the order is the server's."""
    raw.select(1)
    store = RedisStore.open(url(SERVER, 1))
    store["11"], store["111"], store["21"] = 1, 2, 3
    store[1] = 1
    assert store[1] == store["1"] == "1"
    assert set(store.keys("1*")) == {"111", "1", "11"}
    assert set(store.scan("1*")) == {"111", "1", "11"}
    store.clear()
    store.close()
    with RedisStore.open(url(SERVER, 1), strict=False) as store:
        store[1] = lambda x: x + 1
        assert store[1](1) == 2


def test_a_str_key_is_the_same_key_for_other_programs(raw):
    """Keys and values are plain text on the server in both modes, and a prefix is just put in front."""
    with RedisStore(url(SERVER), prefix="app:") as store, RedisStore(url(SERVER), strict=False) as objects:
        store["k\u00e9y"] = 1.5
        objects["plain"] = 1
        assert raw.get("app:k\u00e9y") == b"1.5"
        assert set(raw.keys()) == {"app:k\u00e9y".encode(), b"plain"}
        raw.set("app:theirs", "text")
        assert dict(store) == {"k\u00e9y": "1.5", "theirs": "text"}


def test_values_survive_the_process_in_both_modes(raw, tmp_path):
    """What one process wrote, another reads: with strings, and with any object."""
    import subprocess
    import sys

    code = (
        "from spoonbill.datastores import RedisStore; import sys\n"
        "with RedisStore(sys.argv[1]) as a, RedisStore(sys.argv[1], strict=False, prefix='o:') as b:\n"
        "    a[1] = 2; b[(1, None)] = {'f': lambda x: x + 1}\n"
    )
    subprocess.run([sys.executable, "-c", code, url(SERVER)], check=True)
    with RedisStore(url(SERVER)) as a, RedisStore(url(SERVER), strict=False, prefix="o:") as b:
        assert a["1"] == "2"
        assert b[1, None]["f"](1) == 2


def test_batches_are_the_servers_own(raw):
    """Many keys go as MSET, MGET and UNLINK in chunks, and len and clear as DBSIZE and FLUSHDB."""
    pairs = {f"key-{number}": "v" for number in range(2500)}
    with RedisStore(url(SERVER)) as store:
        store.update(pairs)
        assert (calls(raw, "mset"), calls(raw, "set")) == (3, 0)
        assert list(store.values(keys=[*pairs, "absent"])) == ["v"] * 2500 + [None]
        assert (calls(raw, "mget"), calls(raw, "get")) == (3, 0)
        assert store.raw.delete_many([*pairs, "absent"][1500:]) == 1000
        assert calls(raw, "unlink") == 2
        assert len(store) == 1500
        store.clear()
        assert (calls(raw, "dbsize"), calls(raw, "flushdb")) == (1, 1)


def test_large_values_in_a_batch_come_whole_and_in_order(raw):
    """Values of many sizes in one update, a key twice among them, end as a dict's update would."""
    sizes = [10, 3_000_000, 20, 500_000, 600_000, 1 << 20, 1]
    pairs = [(f"key-{index % 5}", b"%d" % index * size) for index, size in enumerate(sizes)]
    with RedisStore(url(SERVER), codec="raw") as store:
        store.update(pairs)
        assert dict(store) == dict(pairs)


def test_each_single_verb_is_one_command(raw):
    """Each verb on a key is one command on the server, and so one round trip."""
    with RedisStore(url(SERVER), codec="raw") as store:
        store["a"] = b"1"
        raw.config_resetstat()
        assert store["a"] == b"1"
        assert "a" in store
        assert store.pop("a") == b"1"
        assert store.add("a", b"2")
        del store["a"]
        wanted = {"exists": 1, "getdel": 1, "set": 1, "unlink": 1}
        assert {name: calls(raw, name) for name in wanted} == wanted


def test_a_prefix_keeps_to_its_own_keys(raw):
    """Beside other people's keys, those of a prefix alone are counted, listed, searched, emptied and replaced."""
    others = {f"o{number}": b"x" for number in range(300)} | {"p": b"y", "P:1": b"z"}
    raw.mset(others)
    with RedisStore(url(SERVER), prefix="p:") as store:
        store.update({str(number): number for number in range(250)})
        assert len(store) == 250
        assert set(store.keys("2?")) == {str(number) for number in range(20, 30)}
        assert set(store.keys(prefix("24"))) == {"24", *(f"24{digit}" for digit in range(10))}
        store.replace_all([("a", "b")])
        assert dict(store) == {"a": "b"}
        store.clear()
        assert calls(raw, "flushdb") == calls(raw, "dbsize") == 0
    assert {key: raw.get(key) for key in others} == others
    assert raw.dbsize() == len(others)


def test_set_replaces_whatever_is_there(raw):
    """Writing to a key that holds a list replaces it, alone and in a batch, as SET and MSET do."""
    with RedisStore(url(SERVER)) as store:
        raw.rpush("a", 1, 2)
        raw.hset("b", "f", 1)
        store["a"] = 1
        store.update({"b": 2, "c": 3})
        assert dict(store) == {"a": "1", "b": "2", "c": "3"}
        raw.rpush("l", 1)
        assert "l" in store
        assert store.add("l", 1) is False
        del store["l"]
        assert not raw.exists("l")


def test_another_type_is_an_error_that_names_it(raw):
    """Reading a list, a hash or a set names its type and key, alone and in every kind of batch; nothing is lost."""
    with RedisStore(url(SERVER)) as store:
        store.update({f"fine-{number}": 1 for number in range(20)})
        raw.rpush("odd", 1)
        for read in (
            lambda: store["odd"],
            lambda: store.get("odd", 5),
            lambda: store.pop("odd", 5),
            lambda: store.replace("odd", 1, 2),
            lambda: list(store.values(keys=["fine-1", "absent", "odd"])),
            lambda: dict(store),
            lambda: dict(store.items()),
            lambda: list(store.items("1")),
        ):
            with pytest.raises(StoreError, match=r"'odd'.*holds a list"):
                read()
        assert raw.lrange("odd", 0, -1) == [b"1"]
        raw.delete("odd")
        raw.hset("odd", "f", 1)
        with pytest.raises(StoreError, match="holds a hash"):
            store.get_many(["odd"])
        assert store.get_many(["absent", "fine-1"]) == [None, "1"]
        assert "odd" in set(store.keys())


def test_expiry_is_the_servers(raw):
    """A time to live is the key's own on the server: given once, by default, in batches, and taken off by inf."""
    with RedisStore(url(SERVER), ttl=100) as store, RedisStore(url(SERVER), codec="json") as other:
        store["a"] = 1
        store.update({"b": 1, "c": 2})
        store.add("d", 1)
        assert store.replace("d", 1, 2)
        store.set("e", 1, ttl=5)
        store.set("f", 1, ttl=math.inf)
        other.set("g", [1], ttl=0.01)
        other["h"] = 1
        assert all(90_000 < raw.pttl(key) <= 100_000 for key in "abcd")
        assert 0 < raw.pttl("e") <= 5000
        assert raw.pttl("f") == raw.pttl("h") == -1
        while raw.exists("g"):
            pass
        assert "g" not in other
        assert other.get("g", MISSING) is MISSING
        Cached(store).set("a", 2, ttl=7)
        assert 0 < raw.pttl("a") <= 7000
        store.set("a", 3)
        assert raw.pttl("a") > 90_000
        assert "ttl" in store.capabilities


@pytest.mark.parametrize("ttl", [0, -1, math.nan, True, "5", -math.inf])
def test_a_ttl_that_means_nothing_is_refused(raw, ttl):
    """A time to live that is no number above zero is refused, and nothing is written."""
    with RedisStore(url(SERVER)) as store:
        with pytest.raises(UnsupportedError, match="ttl"):
            store.set("a", 1, ttl=ttl)
        with pytest.raises(UnsupportedError, match="ttl"):
            RedisStore(url(SERVER), ttl=ttl)
    assert raw.dbsize() == 0


def test_what_does_not_fit_is_refused_before_it_is_sent(raw, monkeypatch):
    """Wrong types, odd keys and values over the server's limit are errors of our tree, and nothing is written."""
    with Redis(url(SERVER)) as engine, RedisStore(url(SERVER)) as store:
        with pytest.raises(InvalidKeyError, match="put a Codec"):
            engine.set("a", 5)
        with pytest.raises(InvalidKeyError, match="put a Codec"):
            engine.update({"a": "text"})
        with pytest.raises(InvalidKeyError, match="a Codec holds any key"):
            engine.add(5, b"")
        assert engine.get(5) is None
        with pytest.raises(InvalidKeyError, match="valid text"):
            engine.set("\ud800", b"")
        with pytest.raises(CodecError, match="codec="):
            store["a"] = None
        with pytest.raises(InvalidKeyError, match="str, int or float"):
            store[None] = 1
        with pytest.raises(ValueTooLargeError, match="536870912"):
            engine.set("a", bytes(engine.limits.value_bytes + 1))
        monkeypatch.setattr("spoonbill.backends.redis.names.MOST", 100)
        with pytest.raises(KeyTooLongError, match="100 bytes at most"):
            engine.update({"a" * 101: b""})
        assert engine.replace("a", "text", b"x") is False
    assert raw.dbsize() == 0


def test_keys_that_are_no_text_come_and_go(raw):
    """Another program's binary key is listed by a strict store and read by the name it was listed under."""
    raw.set(b"\xff\xfe", "v")
    with RedisStore(url(SERVER)) as store, RedisStore(url(SERVER), strict=False) as objects:
        (key,) = store
        assert store[key] == "v"
        assert dict(store.items()) == {key: "v"}
        assert list(store.keys("??")) == [key]
        with pytest.raises(KeyDecodeError, match="udcff"):
            list(objects)
        del store[key]
    assert raw.dbsize() == 0


@pytest.mark.parametrize(
    "options", [("GETDEL",), ("GETDEL", "EVAL"), ("EVAL",)], ids=["script", "watch", "getdel and watch"]
)
def test_atomic_verbs_on_servers_that_lack_commands(options):
    """Without GETDEL a script pops, without scripts a watch transaction does: each keeps every promise."""
    without = [word for name in options for word in ("--rename-command", name, "")]
    with server(*without) as process, RedisStore(url(process)) as store, redis.Redis(port=process.port) as client:
        for _ in range(2):  # what was refused once is not tried again
            store["a"] = 1
            assert store.replace("a", 2, 3) is False
            assert store.replace("a", 1, 2) is True
            assert store.replace("absent", 1, 2) is False
            assert store.raw.replace("a", b"1", b"3") is False
            assert client.get("a") == b"2"
            assert store.pop("a") == "2"
            assert store.pop("a", None) is None
        client.rpush("odd", 1)
        with pytest.raises(StoreError, match="holds a list"):
            store.pop("odd")
        with pytest.raises(StoreError, match="holds a list"):
            store.replace("odd", 1, 2)
        assert client.lrange("odd", 0, -1) == [b"1"]
        counted = client.info("commandstats")
        assert ("cmdstat_watch" in counted) == ("EVAL" in options)


def test_keys_and_flushdb_that_are_forbidden_are_done_by_scan(raw):
    """A user who may run neither KEYS nor FLUSHDB nor INFO searches and clears all the same."""
    raw.acl_setuser("limited", enabled=True, passwords="+pw", keys="*", commands=["+@all", "-@dangerous"])
    with RedisStore(f"redis://limited:pw@127.0.0.1:{SERVER.port}/0") as store:
        store.update({f"key-{number}": number for number in range(300)})
        assert len(list(store.keys("key-1*"))) == 111
        store.clear()
        assert raw.dbsize() == 0


def test_snapshots_go_between_stores_while_the_server_serves(raw, tmp_path):
    """What Redis saved LMDB loads, and back, with progress told and other clients writing meanwhile."""
    told = []
    with RedisStore(url(SERVER)) as store, LmdbStore(tmp_path / "d", durability="process") as lmdb:
        store.update({f"key-{number}": number for number in range(1500)})

        def progress(count):
            told.append(count)
            raw.set(f"late-{count}", 1)
            raw.delete(f"late-{count}")

        store.save(tmp_path / "snapshot", progress=progress)
        lmdb.load(tmp_path / "snapshot")
        assert {key: value for key, value in lmdb.items() if key.startswith("key-")} == store
        assert told[:1500] == list(range(1, 1501))
        InMemoryStore({"a": "b"}).save(tmp_path / "other")
        store.load(tmp_path / "other", progress=told.append)
        assert raw.get("a") == b"b"
        assert raw.dbsize() == 1
        InMemoryStore({"a": None}).save(tmp_path / "unfit")
        with pytest.raises(CodecError):
            store.load(tmp_path / "unfit")
        assert dict(store) == {"a": "b"}


def test_a_codec_on_the_store_opens_it(raw):
    """A Codec over a RedisStore writes in its own way under the same keys."""
    with RedisStore(url(SERVER)) as store:
        Codec(store, "json")["a"] = [1]
        assert raw.get("a") == b"[1]"
        assert store["a"] == "[1]"
