"""SQLiteStore expires entries by a column of their own, and counts in one statement."""

import math
import sqlite3
import threading

import pytest

from spoonbill import Expiring, eq
from spoonbill.datastores import SQLiteStore
from spoonbill.errors import CodecError, UnsupportedError


def rows(file, sql, *operands):
    """Return what sqlite3 itself reads or does."""
    connection = sqlite3.connect(file, isolation_level=None)
    try:
        return connection.execute(sql, operands).fetchall()
    finally:
        connection.close()


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("old", [True, False])
def test_expiry(tmp_path, strict, old):
    """What is over is absent to every verb and can be added anew; an older table gets its column when it needs it."""
    file = tmp_path / "a.db"
    if old:
        rows(file, "CREATE TABLE spoonbill (key TEXT NOT NULL COLLATE BINARY PRIMARY KEY, value)")
    with SQLiteStore(file, strict=strict, durability="process") as store:
        store.update({"b": 2, "c": 3})
        assert store.ttl("b") is None
        assert store.touch("b", None) is True
        assert store.touch("none", None) is False
        assert store.sweep() == 0
        columns = [row[1] for row in rows(file, "PRAGMA table_info(spoonbill)")]
        assert columns == (["key", "value"] if old else ["key", "value", "expires"])
        store.set("a", 1, ttl=1000)
        assert 990 < store.ttl("a") <= 1000
        store.set_many([(f"x{number}", number) for number in range(20)], ttl=500)
        assert 490 < store.ttl("x19") <= 500
        store.delete_many([f"x{number}" for number in range(20)])
        store["a"] = 1  # a plain set stays
        assert store.ttl("a") is None
        assert store.touch("a", 50) is True
        end = "UPDATE spoonbill SET expires = 1 WHERE expires IS NOT NULL"
        rows(file, end)
        assert [store.get("a"), store.has("a"), store.delete("a"), store.get_many(["a"])] == [
            None,
            False,
            False,
            [None],
        ]
        assert sorted(store) == sorted(dict(store.items())) == ["b", "c"]
        assert len(store) == 2
        assert store.replace("a", 1, 2) is store.discard("a", 1) is store.touch("a", 5) is False
        assert store.pop("a", "none") == "none"
        assert list(store.items(eq(1))) == []
        with pytest.raises(KeyError):
            store.ttl("a")
        assert store.add("a", 5, ttl=100) is True
        assert store.add("a", 6) is False
        rows(file, end)
        assert store.increment("a", 7) == 7
        assert store.ttl("a") is None
        assert store.increment("a", 1, ttl=60) == 8
        assert store.increment("a", 1) == 9
        assert 50 < store.ttl("a") <= 60
        rows(file, end)
        assert store.sweep() == 1
        assert rows(file, "SELECT count(*) FROM spoonbill") == [(2,)]
        assert any(
            "expires" in row[3] for row in rows(file, "EXPLAIN QUERY PLAN DELETE FROM spoonbill WHERE expires <= 5")
        )
        store.set("a", 1, ttl=math.inf)
        assert store.ttl("a") is None
        for ttl in (0, -1, True, "5", math.nan):
            with pytest.raises(UnsupportedError, match="above 0"):
                store.set("a", 1, ttl=ttl)
        with Expiring(store, 100) as layer:
            layer["d"] = 1
            assert 90 < store.ttl("d") <= 100


def test_counting(tmp_path):
    """Ints are added in one statement, floats and the ends of the range as everywhere; what is no number is refused."""
    with SQLiteStore(tmp_path / "a.db", durability="process") as store:
        threads = [threading.Thread(target=lambda: [store.increment("n") for _ in range(50)]) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert store["n"] == 400
        assert store.increment("n", 2**62) == 2**62 + 400
        with pytest.raises(CodecError):
            store.increment("n", 2**62)
        assert store.increment("n", -(2**62) - 399) == 1
        assert store.increment("n", 0.5) == 1.5
        assert store.increment("n", 1) == 2.5
        for value in ("text", {"a": 1}, None, True, [1], b"5"):
            store["odd"] = value
            with pytest.raises(TypeError, match="no number"):
                store.increment("odd")
            assert store["odd"] == value


def test_a_replacement_is_one_step(tmp_path):
    """What replaces everything leaves the old contents where one of the new ones cannot be held."""
    with SQLiteStore(tmp_path / "a.db", durability="process") as store:
        store["a"] = 1
        with pytest.raises(CodecError):
            store.replace_all([*((f"k{number}", number) for number in range(20_000)), ("bad", object())])
        assert store.copy() == {"a": 1}
        store.replace_all([("b", 2)])
        assert store.copy() == {"b": 2}
