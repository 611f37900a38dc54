"""Files of other libraries and of Redis, each written by its owner, and read by ``spoonbill import``."""

import os
import shutil
import subprocess
import sys

import diskcache
import pytest
import redis
import sqlitedict

from spoonbill.datastores import LmdbStore
from tests.servers.redis_server import binary, server

ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "SPOONBILL_REDIS_SERVER": binary()}


def imported(tmp_path, file, *options, code=0, environment=ENVIRONMENT):
    """Import a file into a new store; return what is in it, and what was said."""
    command = [sys.executable, "-m", "spoonbill", "import", f"lmdb:{tmp_path}/new", str(file), *options]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    with LmdbStore(tmp_path / "new") as store:
        found = store.copy()
        store.clear()
    return found, done.stderr


@pytest.fixture
def dump(tmp_path):
    """A dump with every kind of value, in two databases."""
    with server() as running, redis.Redis(port=running.port) as client:
        client.mset({f"key {number}": number for number in range(1200)})
        client.set(b"\xff raw", b"\x00\xff")
        client.hset("hash", mapping={"a": "1", b"\xff": "2"})
        client.rpush("list", "x", "y", "x")
        client.sadd("set", "b", "a")
        client.zadd("zset", {"one": 1, "half": 0.5})
        client.xadd("stream", {"field": "value"}, id="1-1")
        client.set("gone", "1", px=1)
        client.execute_command("SELECT", 3)
        client.set("elsewhere", "3")
        client.save()
        folder = client.config_get("dir")["dir"]
        shutil.copyfile(f"{folder}/dump.rdb", tmp_path / "dump.rdb")
    return tmp_path / "dump.rdb"


def test_a_dump_of_redis(dump, tmp_path):
    """Every kind of value, keys that are no text, one database or another; the dump stays as it was."""
    before = dump.read_bytes()
    found, said = imported(tmp_path, dump)
    assert "1,206 imported" in said
    assert found.pop(b"\xff raw") == b"\x00\xff"
    assert found.pop("hash") == {"a": "1", b"\xff": "2"}
    assert found.pop("list") == ["x", "y", "x"]
    assert found.pop("set") == ["a", "b"]
    assert found.pop("zset") == {"one": 1.0, "half": 0.5}
    assert found.pop("stream") == [["1-1", {"field": "value"}]]
    assert found == {f"key {number}": str(number) for number in range(1200)}
    assert imported(tmp_path, dump, "--table", "3")[0] == {"elsewhere": "3"}
    assert dump.read_bytes() == before


def test_a_dump_that_cannot_be_read(dump, tmp_path):
    """No server, a damaged file, a database that is none: one line that says it, and nothing is written."""
    assert "number of a database" in imported(tmp_path, dump, "--table", "x", code=2)[1]
    nowhere = {**ENVIRONMENT, "PATH": str(tmp_path)}
    del nowhere["SPOONBILL_REDIS_SERVER"]
    assert "install redis-server or valkey-server" in imported(tmp_path, dump, code=1, environment=nowhere)[1]
    dump.write_bytes(dump.read_bytes()[:-400])
    found, said = imported(tmp_path, dump, code=1)
    assert (found, "cannot read" in said) == ({}, True)


def test_files_of_diskcache(tmp_path):
    """Values in the table and in files of their own, text, bytes, numbers and pickles."""
    wanted = {
        "text": "x",
        "long": "y" * 100_000,
        "bytes": b"\x00" * 100_000,
        "n": 5,
        "f": 0.5,
        7: [1, "a"],
        "d": {"a": 1},
    }
    with diskcache.Cache(str(tmp_path / "cache")) as cache:
        for key, value in wanted.items():
            cache[key] = value
    for file in (tmp_path / "cache", tmp_path / "cache" / "cache.db"):
        assert "--trust" in imported(tmp_path, file, "--format", "diskcache", code=1)[1]
        assert imported(tmp_path, file, "--format", "diskcache", "--trust")[0] == wanted


def test_files_of_sqlitedict(tmp_path):
    """Its usual table, and one that is named."""
    for table in ("unnamed", "other"):
        with sqlitedict.SqliteDict(str(tmp_path / "d.sqlite"), tablename=table) as file:
            file[table] = {"a": (1, 2)}
            file.commit()
    assert "--trust" in imported(tmp_path, tmp_path / "d.sqlite", "--format", "sqlitedict", code=1)[1]
    kind = ("--format", "sqlitedict", "--trust")
    assert imported(tmp_path, tmp_path / "d.sqlite", *kind)[0] == {"unnamed": {"a": (1, 2)}}
    assert imported(tmp_path, tmp_path / "d.sqlite", *kind, "--table", "other")[0] == {"other": {"a": (1, 2)}}
