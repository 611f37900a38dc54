"""The last step of a load or save: a crash, an error or Ctrl-C in it, and others who look on."""

import errno
import os
import pickle
import re
import subprocess
import sys
import threading
from contextlib import nullcontext
from itertools import count

import pytest

from spoonbill import prefix
from spoonbill.backends import Filesystem
from spoonbill.datastores import FilesystemStore, InMemoryStore
from spoonbill.errors import SnapshotError, StoreError
from spoonbill.filesystems import commit as committing
from spoonbill.filesystems.folder import JOURNAL
from tests.filesystems.faults import FaultyFileSystem
from tests.filesystems.objects import NEW, OLD


@pytest.fixture
def faulty(request):
    yield f"faulty://{request.node.name}"
    FaultyFileSystem.fault = staticmethod(lambda call, path: None)


def names(folder):
    return sorted(os.listdir(folder))


def unsettled(store, monkeypatch):
    """Leave the root of a store as a process leaves it that died when half of the new files were in their places."""
    with monkeypatch.context() as patch:
        patch.setattr(committing._Commit, "_take_back", lambda *_: None)
        real = store._folder.move_many

        def half(pairs):
            real(pairs[: len(pairs) // 2])
            raise TimeoutError("the line is dead")

        patch.setattr(store._folder, "move_many", half)
        with pytest.raises(StoreError, match="dead"):
            store.replace_all(NEW.items())


# -- errors and interruptions ---------------------------------------------------------------------------------------


def test_a_save_that_fails_at_every_call(tmp_path, faulty):
    """Wherever one call of the target fails, the folder holds what it held, for a store and for a load."""
    store = FilesystemStore.open(tmp_path / "store", codec="raw")
    for number in range(1, 200):
        store.clear()
        store.update(OLD)
        store.save(faulty)
        store.clear()
        store.update(NEW)
        hit = fail_at(number)
        try:
            store.save(faulty)
            expected = NEW
        except StoreError:
            expected = OLD
        FaultyFileSystem.fault = staticmethod(lambda call, path: None)
        if not hit:
            break
        memory = InMemoryStore()
        memory.load(faulty)
        assert memory == expected
        assert FilesystemStore.open(faulty, codec="raw").copy() == expected
    assert 40 < number < 199


def fail_at(number):
    """Let the number-th call of a faulty filesystem fail, and it alone; return a list that is filled by then."""
    made = count(1)
    hit = []

    def fault(call, path):
        if next(made) == number:
            hit.append((call, path))
            raise TimeoutError("the line is dead")

    FaultyFileSystem.fault = staticmethod(fault)
    return hit


def test_a_server_that_goes_away_for_good(tmp_path, faulty):
    """Where nothing works any more during the last step, the error says so, and the same store repairs it later."""
    store = Filesystem(faulty)
    whole = set()
    for number in range(1, 200):
        store.replace_all(OLD.items())
        made = count(1)

        def fault(call, path, made=made, number=number):
            if next(made) >= number:
                raise TimeoutError("the line is dead")

        FaultyFileSystem.fault = staticmethod(fault)
        try:
            store.replace_all(NEW.items())
        except StoreError as error:
            reason = str(error)
        else:
            break
        finally:
            FaultyFileSystem.fault = staticmethod(lambda call, path: None)
        found = dict(store.items())
        assert found in (OLD, NEW)
        whole.add((found == NEW, "go on" in reason or "goes on" in reason))
    assert whole >= {(False, False), (True, True)}


def test_ctrl_c_takes_everything_back(tmp_path):
    """A real SIGINT during the renames of a load: KeyboardInterrupt, and the old entries alone."""
    root = tmp_path / "store"
    code = (
        "import os, signal, sys\n"
        "from spoonbill.backends import Filesystem\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)  # whatever the parent ignores\n"
        "store = Filesystem(sys.argv[1])\n"
        "store.update({f'k{n}': b'old' for n in range(100)})\n"
        "real, made = os.replace, []\n"
        "def call(source, target):\n"
        "    real(source, target)\n"
        "    made.append(target)\n"
        "    if len(made) == 50: os.kill(os.getpid(), signal.SIGINT)\n"
        "os.replace = call\n"
        "store.replace_all((f'k{n}', b'new') for n in range(50, 150))\n"
    )
    ended = subprocess.run([sys.executable, "-c", code, root], check=False, capture_output=True, text=True)
    assert ended.stderr.rstrip().endswith("KeyboardInterrupt")
    assert {path.name: path.read_bytes() for path in root.iterdir()} == {f"k{n}": b"old" for n in range(100)}


def test_a_file_that_cannot_be_replaced(tmp_path):
    """A folder in place of one of the files: the load is refused, and nothing has changed."""
    store = Filesystem(tmp_path / "store")
    store.update(OLD)
    (tmp_path / "store" / "more").mkdir()
    with pytest.raises(StoreError, match="folder"):
        store.replace_all(NEW.items())
    assert dict(store.items()) == OLD
    assert names(tmp_path / "store") == sorted([*OLD, "more"])


def test_a_disk_without_hard_links(tmp_path, monkeypatch):
    """On FAT and the like second names are copies: a load that fails is taken back all the same."""
    store = Filesystem(tmp_path / "store")
    store.update(OLD)

    def refuses(*_, **__):
        raise PermissionError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", refuses)
    store.replace_all(NEW.items())
    store.replace_all(OLD.items())
    (tmp_path / "store" / "more").mkdir()
    with pytest.raises(StoreError, match="folder"):
        store.replace_all(NEW.items())
    assert dict(store.items()) == OLD
    assert names(tmp_path / "store") == sorted([*OLD, "more"])


def test_a_record_of_somebody_else(tmp_path):
    """A file that only has the journal's name is an error that tells which, and nothing is renamed."""
    store = Filesystem(tmp_path)
    store["a"] = b"1"
    (tmp_path / JOURNAL).write_text("my notes about commits")
    for use in (lambda again: again["a"], lambda again: again.set("b", b"2"), lambda again: again.replace_all([])):
        with pytest.raises(StoreError, match="commit~journal is not what a save or load leaves"):
            use(Filesystem(tmp_path))
    assert names(tmp_path) == ["a", JOURNAL]


def test_links_come_back_as_links(tmp_path):
    """What was a symbolic link is one again when a load is taken back."""
    store = Filesystem(tmp_path / "store")
    store.update(OLD)
    (tmp_path / "store" / "other~part").write_bytes(b"3")
    (tmp_path / "store" / "gone").unlink()
    (tmp_path / "store" / "gone").symlink_to("other~part")
    (tmp_path / "store" / "more").mkdir()
    with pytest.raises(StoreError):
        store.replace_all(NEW.items())
    assert (tmp_path / "store" / "gone").is_symlink()
    assert dict(store.items()) == OLD


# -- whoever comes next ---------------------------------------------------------------------------------------------


def test_a_folder_in_its_last_step_is_refused_by_a_load(tmp_path, monkeypatch):
    """A load from a folder whose save died changes nothing there and says what to do; flush finishes the save."""
    store = FilesystemStore.open(tmp_path / "store", codec="raw")
    store.update(OLD)
    store.save(tmp_path / "saved")
    unsettled(Filesystem(tmp_path / "saved"), monkeypatch)
    memory = InMemoryStore({"kept": 1})
    before = names(tmp_path / "saved")
    with pytest.raises(SnapshotError, match="flush"):
        memory.load(tmp_path / "saved")
    assert memory == {"kept": 1}
    assert names(tmp_path / "saved") == before
    Filesystem(tmp_path / "saved").flush()
    assert names(tmp_path / "saved") == sorted([*NEW, "files~note"])


def test_the_first_write_finishes_and_a_read_changes_nothing(tmp_path, monkeypatch):
    """Of a store that is opened on a broken-off load each write sees the finished state, each read too, untouched."""
    reads = {
        "get": lambda store: store["added"] == b"5" and store.get("removed") is None,
        "has": lambda store: "added" in store and "gone" not in store,
        "get_many": lambda store: store.get_many(["added", "gone"]) == [b"5", None],
        "iter": lambda store: sorted(store) == sorted(NEW),
        "items": lambda store: dict(store.items()) == NEW,
        "prefix": lambda store: list(store.keys(prefix("ad"))) == ["added"],
        "read_range": lambda store: store.read_range("added", 0, 1) == b"5",
    }
    writes = {
        "set": lambda store: store.set("removed", b"mine"),
        "delete": lambda store: store.delete("gone"),
        "add": lambda store: store.add("gone", b"mine"),
        "pop": lambda store: store.pop("gone", None),
        "set_many": lambda store: store.update({"removed": b"mine"}),
        "clear": lambda store: store.clear(),
        "replace_all": lambda store: store.replace_all([("x", b"1")]),
        "flush": lambda store: store.flush(),
    }
    for verb, use in {**reads, **writes}.items():
        root = tmp_path / verb
        one = Filesystem(root)
        one.update(OLD)
        unsettled(one, monkeypatch)
        before = {name: (root / name).read_bytes() for name in names(root)}
        assert {name: data for name, data in before.items() if "~" not in name} not in (OLD, NEW)
        two = Filesystem(root, cache=tmp_path / "cache")
        if verb in reads:
            assert use(two), verb
            assert {name: (root / name).read_bytes() for name in names(root)} == before
            with pytest.raises(StoreError, match="flush"):
                two.export(tmp_path / "exported", {})
            two.flush()
            assert use(two), verb
        else:
            use(two)
        assert JOURNAL not in names(root), verb
        assert [name for name in names(root) if "~part" in name] == [], verb
        if verb == "set":
            assert dict(two.items()) == {**NEW, "removed": b"mine"}


def test_a_reader_who_may_not_look_is_served(tmp_path, monkeypatch):
    """Where the service does not tell whether a journal is there, reads go on: such a root has none of ours."""
    store = Filesystem(tmp_path)
    store["a"] = b"1"
    again = pickle.loads(pickle.dumps(store))
    real = again._folder.read

    def refuses(path):
        if path.endswith(JOURNAL):
            raise PermissionError("you may not list")
        return real(path)

    monkeypatch.setattr(again._folder, "read", refuses)
    assert again["a"] == b"1"


def test_threads_of_one_process_wait(tmp_path, monkeypatch):
    """A store that is opened in another thread during the renames of a load waits, and sees the new state."""
    store = Filesystem(tmp_path / "store")
    store.update(OLD)
    amid, go, opened = threading.Event(), threading.Event(), threading.Event()
    real = store._folder.move_many

    def pauses(pairs):
        real(pairs[:2])
        amid.set()
        go.wait()
        real(pairs[2:])

    monkeypatch.setattr(store._folder, "move_many", pauses)
    seen = {}

    def looks():
        seen.update(Filesystem(tmp_path / "store").items())
        opened.set()

    loader = threading.Thread(target=store.replace_all, args=(NEW.items(),))
    loader.start()
    amid.wait()
    looker = threading.Thread(target=looks)
    looker.start()
    assert not opened.wait(0.3)
    go.set()
    loader.join()
    looker.join()
    assert seen == NEW


def test_two_never_go_different_ways(tmp_path, monkeypatch):
    """Where another process has taken a journal over, the first one, whose renames fail, takes nothing back."""
    store = Filesystem(tmp_path / "store")
    store.update(OLD)
    monkeypatch.setattr(store._folder, "alone", lambda *, wait: nullcontext(True))  # as where there are no locks
    real = store._folder.move_many

    def overtaken(pairs):
        real(pairs[:1])
        journal = tmp_path / "store" / JOURNAL
        journal.write_bytes(re.sub(rb'"by": "\w{6}', b'"by": "ffffff', journal.read_bytes()))
        raise TimeoutError("the line is dead")

    with monkeypatch.context() as patch:
        patch.setattr(store._folder, "move_many", overtaken)
        with pytest.raises(StoreError, match=r"dead.*another process"):
            store.replace_all(NEW.items())
    store.flush()
    assert dict(store.items()) == NEW
    assert names(tmp_path / "store") == sorted(NEW)
