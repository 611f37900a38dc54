"""What PostgresStore has beside the contract, such as transactions, indexes, expiry; and what it refuses."""

import math
import multiprocessing
import pickle
import random
import threading

import pytest

import spoonbill
from spoonbill import Expiring, eq, glob, gt, isin, le, like, prefix, regex
from spoonbill.datastores import InMemoryStore, PostgresStore
from spoonbill.errors import (
    CodecError,
    KeyDecodeError,
    KeyTooLongError,
    StoreError,
    UnsupportedError,
)
from tests.backends.postgresql.postgresql_stores import (  # noqa: F401 - fixtures, found by their names
    HERE,
    a_server,
    a_store,
    a_table,
    rows,
)


def test_an_address(store, name):
    """What is written through the address of a table is read through the address that the store gives back."""
    with spoonbill.open(f"{HERE['dsn']}?table={name}&prefix=u:") as first:
        first["a"] = {"n": 1}
        assert store["u:a"] == {"n": 1}
        with spoonbill.open(first.url) as second, spoonbill.build(first.describe()) as third:
            assert second["a"] == third["a"] == {"n": 1}


def test_a_transaction_is_all_or_nothing(store, name):
    """Several verbs are one commit; an error undoes them, in an inner block alone, also one of the server."""
    store["seen"] = 0
    with store.transaction():
        store["a"] = 1
        store.update({"b": 2, "c": 3})
        assert rows(f"SELECT count(*) FROM {name}") == [(1,)]
        assert sorted(store) == ["a", "b", "c", "seen"]
        with pytest.raises(ZeroDivisionError), store.transaction():
            store["a"] = 5
            store.clear()
            1 / 0
        with pytest.raises(StoreError), store.transaction():
            store.raw._engine.call("test", store.raw._engine._change, "SELECT 1 / 0")
        assert store.pop("b") == 2
        assert store.replace("c", 3, 4)
    assert store.copy() == {"a": 1, "c": 4, "seen": 0}
    with pytest.raises(KeyboardInterrupt), store.transaction():
        del store["a"]
        raise KeyboardInterrupt
    assert store.copy() == {"a": 1, "c": 4, "seen": 0}
    with pytest.raises(StoreError, match="ended the transaction"), store.transaction():
        with pytest.raises(StoreError):
            store.raw._engine.call("test", store.raw._engine._change, "SELECT 1 / 0")
        store["a"] = 9
    assert store["a"] == 1


def test_a_large_load_in_a_transaction(store):
    """COPY twice in one transaction, over rows that are there; what replaces everything is one step."""
    store.update({f"k{number}": number for number in range(5000)})
    with store.transaction():
        store.update({f"k{number}": -number for number in range(2500)})
        store.update({f"k{number}": {"n": "\x00\x01\\t\n"} for number in range(2500, 5001)})
    assert len(store) == 5001
    assert store["k2499"] == -2499
    assert store["k5000"] == {"n": "\x00\x01\\t\n"}
    before = store.copy()
    with pytest.raises(CodecError):
        store.replace_all([*((f"j{number}", number) for number in range(20_000)), ("bad", object())])
    assert store.copy() == before
    store.replace_all([("a", 1)])
    assert store.copy() == {"a": 1}


def test_a_large_load_of_odd_texts(store, name):
    """What separates values and lines in a COPY, and what stands for them there, is text in keys and values."""
    odd = ["\t", "\n", "\r", "\\", "\\N", "\\.", "\\t", "\0", "\x01", "\0f", "\0r", "f", "r", "", "é\0", "\u2028"]
    values = {f"{left}{number % 7}{right}": {left: right} for number, left in enumerate(odd) for right in odd}
    values |= {one: {one: [one, 0.5]} for one in odd} | {f"k{number}": {"n": number} for number in range(1200)}
    store.update(values)
    assert rows(f"SELECT count(*) FROM {name}") == [(len(values),)]
    assert store.copy() == values


def test_a_snapshot_is_one_state_for_all_shares(store):
    """In the block this thread, and another process that reads its shares, see nothing of what is written beside."""
    store.update({f"k{number:03}": number for number in range(300)})
    with store.snapshot():
        shares = store.shares(3)
        other = threading.Thread(target=lambda: [store.update({"k500": 500}), store.delete("k000")])
        other.start()
        other.join()
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            read = pool.apply(read_shares, (pickle.dumps(shares),))
        assert sorted(read) == [f"k{number:03}" for number in range(300)]
        assert len(store) == 300
        with pytest.raises(StoreError, match="only reads"):
            store["a"] = 1
    assert len(shares) == 3
    assert len(store) == 300
    assert "k500" in store
    with pytest.raises(StoreError, match="snapshot"):
        list(shares[0].keys())


def read_shares(data):
    return [key for share in pickle.loads(data) for key in share.keys()]


def test_an_index_is_used_and_answers_alike(store, name):
    """A search by a field with an index finds the same; explain names the index, until it is dropped."""
    values = {f"k{number}": {"n": number, "name": f"name {number}", "geo": {"lat": number}} for number in range(3000)}
    odd = {"odd": {"n": math.inf}, "zero": {"n": -0.0}, "text": {"n": "5"}, "blob": b"\xff", "big": {"n": 1e300}}
    odd |= {
        "huge": {"n": 10**16},
        "huge float": {"n": 1e16},
        "list": {"n": [5]},
        "none": {"n": None},
        "flag": {"n": True},
    }
    memory = InMemoryStore(values | odd)
    store.update(memory)
    names = ("it's; DROP TABLE", 'a"b', "a\\b", "", "a\nb", "a\0b", "%s", "$1", "?")
    fields = [("n",), ("name",), ("geo", "lat"), *((field,) for field in names)]
    searches = [
        {"n": 7},
        {"n": gt(2998)},
        {"name": "name 99"},
        {"n": "5"},
        {"geo": {"lat": eq(5)}},
        {"n": 0},
        {"n": 10**16},
    ]
    searches += [{"n": isin([1, 2.0, None])}, {"n": None}, {"n": True}, {"n": le(0)}, {"n": [5]}, {"n": 5.0}]
    expected = [sorted(key for key, _ in memory.items(search)) for search in searches]
    assert "Seq Scan" in str(store.explain(conditions=searches[0]))
    for field in [*fields, fields[0]]:
        store.create_index(*field)
    assert len(store.indexes()) == len(fields)
    for search, found in zip(searches, expected, strict=True):
        assert sorted(key for key, _ in store.items(search)) == found, search
    for search in (searches[0], searches[1], searches[2], searches[4], searches[5]):
        assert "Index Scan" in str(store.explain(conditions=search)), search
    for field in fields:
        store.drop_index(*field)
    assert store.indexes() == []
    assert "Seq Scan" in str(store.explain(conditions=searches[0]))
    with pytest.raises(UnsupportedError, match="no index"):
        store.create_index("spoonbill__")


def test_patterns_run_on_the_server(store):
    """LIKE, globs and portable regexes are tested there: the server sends what matches, and what has odd characters."""
    values = [
        "abc",
        "a\x00c",
        "a\x01c",
        "a\nc",
        "a\x0ab",
        "\\x0ab",
        "a" * 300,
        "\u00e9t\u00e9",
        "\U0001f600",
        "a]b",
        "a-b",
        ".",
    ]
    memory = InMemoryStore({value: {"text": value} for value in values} | {"n": {"text": 5}})
    store.update(memory)
    patterns = [like("a_c"), like("%b"), glob("a?c"), glob("*[a-]b"), glob("[^a]*"), regex("a.c"), regex("a[^b]c$")]
    patterns += [
        regex(r"\x0ab"),
        regex("a\nb?"),
        regex(r"\\x0ab"),
        regex("a{2,200}$"),
        regex("a{2,900}"),
        regex("(?:a|b)*c"),
    ]
    patterns += [
        regex("[\\]-]"),
        regex("a[\\]\\-]b"),
        like("_t_"),
        glob("??"),
        regex("."),
        prefix("a\x00"),
        regex("(|a)b?"),
    ]
    for pattern in patterns:
        assert sorted(store.keys(pattern)) == sorted(memory.keys(pattern)), pattern
        found, wanted = store.items({"text": pattern}), memory.items({"text": pattern})
        assert sorted(key for key, _ in found) == sorted(key for key, _ in wanted), pattern
    assert "~" in store.explain(conditions={"text": like("a_c")}).native


def test_nothing_of_a_key_or_value_is_text_of_a_statement(store, server):
    """The server's own log of every statement holds no key, value, field name, pattern or operand."""
    mark = "ZMARKZ"
    document = {mark: mark, f"{mark}2": {f"{mark}3": 5}}
    store[mark] = document
    store.update({f"{mark}{number}": document for number in range(1500)})
    store.get_many([mark, f"{mark}1"])
    for conditions in (
        {mark: mark},
        {mark: regex(f"{mark}.*")},
        {mark: isin([mark, 5])},
        {f"{mark}2": {f"{mark}3": gt(4)}},
    ):
        assert list(store.items(conditions, limit=2))
        store.explain(conditions=conditions)
    list(store.keys(like(f"{mark}%1")))
    [list(share.keys()) for share in store.shares(3, pattern=prefix(mark))]
    store.replace(mark, document, {mark: 1})
    store.add(f"{mark}x", 1)
    store.increment(f"{mark}y", 5)
    store.pop(mark)
    store.delete_many([f"{mark}1", f"{mark}2"])
    log = (server.directory / "server.log").read_text()
    assert "nothing_of_a_key" in log
    assert mark not in log


def test_what_jsonb_cannot_hold(store, name):
    """NUL stands as another character that other tools can read, in keys too; odd numbers are text; all come back."""
    values = {
        "nul\0": {"nul\0name": "nul\0text", "\x01": "\x01\x02", "deep": [{"\0": ["\0"]}]},
        "float": {"big": 1e16, "huge": 1.7e308, "minus zero": -0.0, "inf": -math.inf, "tiny": 5e-324, "plain": 1.0},
        "int": {"least": -(2**63), "most": 2**63 - 1},
    }
    store.update(values)
    assert store.copy() == values
    assert math.copysign(1, store["float"]["minus zero"]) == -1
    assert type(store["float"]["big"]) is type(store["float"]["plain"]) is float
    assert rows(f"SELECT key FROM {name} WHERE key LIKE 'nul%'") == [("nul\x01\x01",)]
    assert list(store.keys("nul\0")) == ["nul\0"]
    assert sorted(store.items({"big": 1e16})) == sorted(store.items({"big": 10**16})) == [("float", values["float"])]
    ordered = sorted(["a", "a\0", "a\0b", "a\x01", "a\x02", "a\x01\x02", "b"])
    store.replace_all((key, {"text": key}) for key in ordered)
    for at, key in enumerate(ordered):
        assert sorted(key for key, _ in store.items({"text": gt(key)})) == ordered[at + 1 :]
    rows(f"INSERT INTO {name} VALUES (%s, '1')", "a\x01")
    with pytest.raises(KeyDecodeError, match="control characters"):
        list(store)


def test_what_other_programs_write(store, name):
    """Values that are no maps, numbers that floats round, and numbers beyond every float are read, or named."""
    store["mine"] = {"n": 0.1}
    for key, text in {"int": "5", "list": "[1, 2]", "null": "null", "text": '"t"'}.items():
        rows(f"INSERT INTO {name} VALUES (%s, %s)", key, text)
    rows(f"INSERT INTO {name} VALUES ('near', %s)", '{"n": 0.1000000000000000055511151231257827}')
    assert {key: store[key] for key in ("int", "list", "null", "text")} == {
        "int": 5,
        "list": [1, 2],
        "null": None,
        "text": "t",
    }
    assert sorted(key for key, _ in store.items({"n": 0.1})) == ["mine", "near"]
    assert list(store.items(eq(5))) == [("int", 5)]
    assert list(store.items({"0": 1})) == []
    rows(f"INSERT INTO {name} VALUES ('deep', %s)", "[" * 3000 + "]" * 3000)
    with pytest.raises(CodecError, match="'deep'"):
        store["deep"]
    with pytest.raises(CodecError, match="'deep'"):
        store.pop("deep")
    assert store.has("deep")


def test_a_key_as_long_as_an_index_holds(store):
    """The longest key is taken though it cannot be compressed; a byte more is refused, and absent to reads."""
    chooser = random.Random(1)
    longest = "".join(chr(chooser.randrange(33, 127)) for _ in range(store.limits.key_bytes))
    store[longest] = 1
    store.update({longest[::-1]: 2})
    assert store.copy() == {longest: 1, longest[::-1]: 2}
    with pytest.raises(KeyTooLongError, match="2692"):
        store[longest + "x"] = 1
    assert store.get(longest + "x") is None
    with pytest.raises(KeyTooLongError):
        store.update({"\u00e9" * 1347: 1})


def expire(name, key):
    """Put the end of an entry into the past."""
    rows(f"UPDATE {name} SET expires = now() - interval '1 minute' WHERE key = %s", key)


@pytest.mark.parametrize("strict", [True, False])
def test_expiry(name, strict):
    """What is over is absent to every verb and can be added anew, and is swept; Expiring leaves it to the server."""
    with PostgresStore(HERE["dsn"], name, strict=strict) as store:
        assert "ttl" in store.features
        store.set("a", 1, ttl=1000)
        assert 990 < store.ttl("a") <= 1000
        store.update({"b": 2, "c": 3})
        store.set_many([(f"x{number}", number) for number in range(2000)], ttl=500)
        assert 490 < store.ttl("x1999") <= 500
        store.delete_many([f"x{number}" for number in range(2000)])
        assert store.ttl("b") is None
        assert store.touch("b", 100) is True
        assert store.touch("b", None) is True
        assert store.ttl("b") is None
        assert store.touch("none", 5) is False
        store["a"] = 1  # a plain set stays
        assert store.ttl("a") is None
        store.set("a", 1, ttl=math.inf)
        store.set("a", 1, ttl=1e300)
        assert store.ttl("a") is None
        key = "a" if strict else rows(f"SELECT key FROM {name} ORDER BY key LIMIT 1")[0][0]
        store.touch("a", 50)
        expire(name, key)
        gone = [store.get("a"), store.has("a"), store.delete("none"), store.get_many(["a"]), len(store), sorted(store)]
        assert gone == [None, False, False, [None], 2, ["b", "c"]]
        assert store.replace("a", 1, 2) is store.discard("a", 1) is store.touch("a", 5) is False
        assert store.pop("a", "none") == "none"
        assert list(store.items(eq(1))) == []
        with pytest.raises(KeyError):
            store.ttl("a")
        assert store.add("a", 5, ttl=100) is True
        expire(name, key)
        assert store.delete("a") is False
        store.set("a", 1, ttl=5)
        expire(name, key)
        assert store.increment("a", 7) == 7
        assert store.ttl("a") is None
        assert store.increment("a", 1, ttl=60) == 8
        assert store.increment("a", 1) == 9
        assert store.ttl("a") is not None
        expire(name, key)
        assert store.sweep() == 1
        assert rows(f"SELECT count(*) FROM {name}") == [(2,)]
        for ttl in (0, -1, True, "5", math.nan):
            with pytest.raises(UnsupportedError, match="above 0"):
                store.set("a", 1, ttl=ttl)
        with Expiring(store, 100) as layer:
            layer["d"] = 1
            assert 90 < store.ttl("d") <= 100


def test_counting(store):
    """Ints are added by the server, floats and the ends of the range as everywhere; what is no number is refused."""
    assert store.increment("n") == 1
    assert store.increment("n", 2**62) == 2**62 + 1
    with pytest.raises(CodecError):
        store.increment("n", 2**62)
    assert store.increment("n", -(2**62)) == 1
    assert store.increment("n", 0.5) == 1.5
    assert store.increment("n", 1) == 2.5
    store["float"] = 1.0
    assert store.increment("float") == 2.0
    assert type(store["float"]) is float
    for value in ("text", {"a": 1}, None, True, [1]):
        store["odd"] = value
        with pytest.raises(TypeError, match="no number"):
            store.increment("odd")
        assert store["odd"] == value
