"""What a load says that it cannot keep, and where a save goes."""

import stat

import cachetools
import pytest

from spoonbill import Codec, StrictString
from spoonbill.datastores import FilesystemStore, InMemoryStore, LmdbStore, PysosStore
from spoonbill.errors import CodecError, InvalidKeyError, StoreError
from spoonbill.filesystems.disk import safely
from spoonbill.store import Store


@pytest.mark.parametrize("keys", [(1, "1"), ("1", 1), (2.5, "2.5"), ("a", 1, "1")])
def test_a_load_that_would_merge_keys_is_refused(keys, tmp_path):
    """Where 1 and "1" are one key, a snapshot that holds both changes nothing: one of the values would be lost."""
    InMemoryStore({key: f"value of {key!r}" for key in keys}).save(tmp_path / "s")
    store = StrictString(LmdbStore(tmp_path / "l", codec="raw"))
    store["kept"] = "1"
    with pytest.raises(InvalidKeyError, match="one key here"):
        store.load(tmp_path / "s")
    assert dict(store) == {"kept": "1"}
    InMemoryStore({1: "a", "2": "b", 3: "c"}).save(tmp_path / "s")
    store.load(tmp_path / "s")
    assert dict(store) == {"1": "a", "2": "b", "3": "c"}
    with LmdbStore(tmp_path / "m") as typed:
        InMemoryStore({1: "a", "1": "b"}).save(tmp_path / "s")
        typed.load(tmp_path / "s")
        assert dict(typed) == {1: "a", "1": "b"}


class Failing(Store[str, bytes]):
    """A store that takes two entries and refuses the third."""

    def __init__(self, error):
        self.data, self.error = {}, error

    def get(self, key, default=None):
        return self.data.get(key, default)

    def set(self, key, value):
        if len(self.data) == 2:
            raise self.error
        self.data[key] = value

    def delete(self, key):
        return self.data.pop(key, None) is not None

    def iter(self):
        return iter(list(self.data))


@pytest.mark.parametrize("error", [StoreError("the disk is full."), CodecError("it cannot be held.")])
def test_a_load_cut_off_says_that_the_old_contents_are_gone(error, tmp_path):
    """An engine without one step for it keeps the kind of its error, and tells the state that it leaves."""
    InMemoryStore({f"k{number}": number for number in range(3)}).save(tmp_path / "s")
    store = Codec(Failing(error))
    store["old"] = 1
    with pytest.raises(type(error), match="old contents may be gone"):
        store.load(tmp_path / "s")
    assert "old" not in store


@pytest.mark.parametrize("kind", [LmdbStore, FilesystemStore])
def test_a_load_in_one_step_keeps_the_old_contents(kind, tmp_path, monkeypatch):
    """Where the engine replaces everything in one step, what comes in the middle of it leaves the old contents."""

    class Stop(Exception):
        pass

    def pairs():
        yield "a", 1
        raise Stop

    with kind(tmp_path / "d") as store:
        store["old"] = 1
        with pytest.raises(Stop):
            store.replace_all(pairs())
        assert dict(store) == {"old": 1}


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_a_save_keeps_the_mode_and_goes_behind_a_link(tmp_path):
    """A file that is replaced keeps its mode; a link of this user stays, and the file behind it is written."""
    store = InMemoryStore({"token": "..."})
    path, link = tmp_path / "s", tmp_path / "latest"
    store.save(path)
    path.chmod(0o600)
    (tmp_path / "middle").symlink_to("s")
    link.symlink_to(tmp_path / "middle")
    store["more"] = 1
    store.save(link)
    assert link.is_symlink()
    assert (tmp_path / "middle").is_symlink()
    assert mode(path) == 0o600
    read = InMemoryStore.open(path)
    assert len(read) == 2
    (tmp_path / "dangling").symlink_to("new")
    store.save(tmp_path / "dangling")
    assert len(InMemoryStore.open(tmp_path / "new")) == 2


def test_a_planted_link_is_replaced(tmp_path, monkeypatch):
    """A link that another user made is not written through: the file takes its place."""
    (tmp_path / "victim").write_text("mine")
    (tmp_path / "planted").symlink_to("victim")
    owner = (tmp_path / "planted").lstat().st_uid
    monkeypatch.setattr(safely, "_own_users", lambda: {owner + 1})
    InMemoryStore({"a": 1}).save(tmp_path / "planted")
    assert (tmp_path / "victim").read_text() == "mine"
    assert not (tmp_path / "planted").is_symlink()


def test_a_loop_of_links_ends(tmp_path):
    """Links that lead to each other are an error or a file, and no endless call."""
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    InMemoryStore({"a": 1}).save(tmp_path / "a")
    assert dict(InMemoryStore.open(tmp_path / "a")) == {"a": 1}


def test_keys_of_a_pysos_list_are_told_with_the_remedy(tmp_path):
    """A file of pysos with int keys is an error that says what they are, and stays as it is."""
    (tmp_path / "p").write_bytes(b'# FILE-DICT v1\n5\t"five"\n')
    with pytest.raises(StoreError, match="the key 5, an int"):
        PysosStore(tmp_path / "p")
    assert (tmp_path / "p").read_bytes() == b'# FILE-DICT v1\n5\t"five"\n'


def test_cachetools_over_a_strict_store():
    """Plain arguments are keys; those with names are an error that says what to use."""
    typed = Codec(StoreOfBytes())
    calls = []

    @cachetools.cached(typed)
    def double(number, **options):
        calls.append(number)
        return number * 2

    assert [double(2), double(2)] == [4, 4]
    assert calls == [2]
    with pytest.raises(InvalidKeyError, match="memoize"):
        double(2, fast=True)


class StoreOfBytes(Failing):
    """A store that refuses nothing."""

    def __init__(self):
        super().__init__(None)

    def set(self, key, value):
        self.data[key] = value
