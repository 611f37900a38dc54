"""Keys of any length."""

import pickle

import pytest

from spoonbill import Codec, HashedKeys, Prefixed, StrictString, prefix
from spoonbill.backends import Lmdb, Memory
from spoonbill.datastores import FilesystemStore, LmdbStore, RedisStore
from spoonbill.errors import CodecError, InvalidKeyError, StackError, UnsupportedError
from spoonbill.testing import LayerContract
from tests.servers.redis_server import server, url

LONG = "https://example.com/" + "x" * 3000


class TestHashedKeys(LayerContract):
    keys = ("a", "a/b", "", "y" * 200, "\u00e9 *[1]\x00" * 50)

    def wrap(self, inner):
        return HashedKeys(inner, max_bytes=71)


def stores(path):
    yield HashedKeys(LmdbStore(path / "lmdb"))
    yield HashedKeys(FilesystemStore(path / "files"), max_bytes=200)
    yield Codec(HashedKeys(Prefixed(Lmdb(path / "second"), "p:")), "json")


def test_long_keys_come_back(tmp_path):
    """Over engines that refuse them they are set, read, listed, searched and removed as short ones are."""
    for store in stores(tmp_path):
        pairs = {LONG + str(number): number for number in range(20)} | {"short": 1, "h": 2}
        store.update(pairs)
        assert store.copy() == pairs
        assert set(store) == pairs.keys()
        assert len(store) == 22
        assert set(store.keys(prefix("https://"))) == {key for key in pairs if len(key) > 9}
        assert list(store.keys(prefix("https://"), limit=3)) != []
        assert {key for share in store.shares(4) for key, _ in share.entries()} == pairs.keys()
        assert store.replace(LONG + "1", 1, 11)
        assert store.pop(LONG + "1") == 11
        assert LONG + "1" not in store
        assert store.delete_many([LONG + "2", LONG + "2", "short"]) == 2
        assert "sha256" in str(store.explain(prefix("https://")))
        store.clear()
        assert len(store) == 0
        store.close()


def test_over_redis():
    """A key of a megabyte goes by its hash there too, where it is asked for."""
    with server() as process:
        store = HashedKeys(RedisStore(url(process)), max_bytes=100)
        store["k" * 1_000_000] = "value"
        assert [len(key) for key in store] == [1_000_000]
        assert len(next(store.raw.iter())) == 71


def test_two_keys_never_become_one():
    """A key that is the name of another one's entry, or any name of that look, has an entry of its own."""
    raw = Memory()
    store = HashedKeys(raw, max_bytes=80)
    store["z" * 100] = b"long"
    name = next(iter(raw))
    assert name not in store
    store[name] = b"a name"
    assert store.copy() == {"z" * 100: b"long", name: b"a name"}
    assert len(raw) == 2


def test_it_can_be_put_over_a_store_in_use(tmp_path):
    """Short keys are stored as they are; what only looks like a hash is refused by name, not lost or made up."""
    LmdbStore(tmp_path / "d")["a"] = 1
    store = HashedKeys(LmdbStore(tmp_path / "d"))
    assert store.copy() == {"a": 1}
    assert pickle.loads(pickle.dumps(store)).copy() == {"a": 1}
    store.raw["sha256~" + "0" * 64] = b"\0\0\0\1xy"
    with pytest.raises(CodecError, match="named like a hashed key"):
        list(store)


def test_what_cannot_work_is_refused():
    """Bounds that no hash fits or the engine refuses, keys that are no str, and a layer over strings."""
    for wrong in (10, 70):
        with pytest.raises(UnsupportedError, match="71"):
            HashedKeys(Memory(), max_bytes=wrong)
    with pytest.raises(InvalidKeyError, match="Codec"):
        HashedKeys(Memory())[1] = b""
    with pytest.raises(StackError, match="other way round"):
        HashedKeys(Prefixed(Codec(Memory()), "p"))
    assert StrictString(HashedKeys(Memory())).limits.key_bytes is None
