"""What others planted in a folder: nothing outside of it is touched, nothing hangs, and every refusal is told."""

import json
import os
import shutil
import stat
import subprocess
import sys

import fsspec
import pytest

from spoonbill.backends import Filesystem
from spoonbill.datastores import FilesystemStore, InMemoryStore, SafetensorsStore
from spoonbill.errors import CodecError, SpoonbillError, StoreError
from spoonbill.filesystems import commit as committing
from spoonbill.filesystems.folder import JOURNAL
from spoonbill.filesystems.local import LocalFolder
from spoonbill.filesystems.names import path_of
from spoonbill.filesystems.recovery.journal import Change, Journal, write_changes
from spoonbill.filesystems.recovery.run import list_name, staged_name
from tests.filesystems.objects import NEW, OLD

TOKEN = "0123456789abcdef" * 2


def everything(directory):
    """Return all that lies below a folder: names, kinds, contents and what links lead to."""
    found = {}
    for path in sorted(directory.rglob("*")):
        status = path.lstat()
        what = os.readlink(path) if path.is_symlink() else path.read_bytes() if stat.S_ISREG(status.st_mode) else None
        found[str(path.relative_to(directory))] = (stat.S_IFMT(status.st_mode), what)
    return found


def planted(root, names, *, roots=None, token=TOKEN, direction="forward"):
    """Write a journal as ours are written, which changes these names."""
    data, digest = write_changes([Change(name, new=True, old=False) for name in names])
    marks = LocalFolder(str(root), {}, sync=False).marks if roots is None else roots
    journal = Journal(token, direction, digest, token, tuple(marks))
    (root / list_name(token)).write_bytes(data)
    (root / JOURNAL).write_bytes(journal.data())
    for name in names:
        (root / staged_name(token, name)).write_bytes(b"planted")


@pytest.fixture
def got(tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / ".bashrc").write_text("mine")
    (tmp_path / "got").mkdir()
    return tmp_path / "got"


EVIL = ["../home/.bashrc", "/etc/evil", "a/../../home/.bashrc", "", ".", "..", "x~part", "A", "a/b", "con", JOURNAL]


@pytest.mark.parametrize("direction", ["forward", "back"])
@pytest.mark.parametrize("name", EVIL)
def test_a_journal_names_only_files_of_keys(got, tmp_path, name, direction):
    """A journal that names anything but a key's file is refused by reads, writes and loads, and nothing is done."""
    planted(got, [name, "good"], direction=direction)
    before = everything(tmp_path)
    uses = (
        lambda: dict(Filesystem(got).items()),
        lambda: Filesystem(got).get("good"),
        lambda: Filesystem(got).set("x", b"1"),
        lambda: Filesystem(got).flush(),
        lambda: Filesystem(got).replace_all([]),
        lambda: InMemoryStore.open(str(got)),
        lambda: FilesystemStore.open(tmp_path / "source", codec="raw").save(got),
    )
    for use in uses:
        with pytest.raises(SpoonbillError):
            use()
    assert everything(tmp_path) == before


def test_the_old_form_of_a_planted_journal(got, tmp_path):
    """The journal of earlier versions, whose names were free, is refused in every use, and nothing is done."""
    (got / "x~part").write_text("planted")
    (got / "c~part").write_text('["../home/.bashrc","x~part",null]\n["../home/precious",null,null]')
    head = {"spoonbill": "commit 0", "direction": "forward", "changes": "c~part", "by": "x"}
    (got / JOURNAL).write_text(json.dumps(head))
    before = everything(tmp_path)
    for use in (InMemoryStore.open, lambda url: list(FilesystemStore.open(url)), lambda url: Filesystem(url).flush()):
        with pytest.raises(SpoonbillError):
            use(str(got))
    assert everything(tmp_path) == before


def test_a_journal_of_another_root_is_not_carried_out(got, tmp_path):
    """A folder in its last step that was copied over another one, or planted in it, changes nothing there."""
    Filesystem(got)["a"] = b"mine"
    planted(got, ["a"], roots=["/somewhere/else", "1"])
    before = everything(got)
    for use in (lambda store: store.flush(), lambda store: store.get("a")):
        with pytest.raises(StoreError, match="another folder, /somewhere/else"):
            use(Filesystem(got))
    assert everything(got) == before


def test_a_journal_in_memory_is_bound_too():
    """On filesystems that are not local a journal is verified the same."""
    store = Filesystem("memory://planted-journals/root")
    store["a"] = b"mine"
    fs = fsspec.filesystem("memory")
    data, digest = write_changes([Change("../outside", new=True, old=False)])
    fs.pipe_file(f"/planted-journals/root/{list_name(TOKEN)}", data)
    for marks in (["/planted-journals/root"], ["/planted-journals/other"]):
        journal = Journal(TOKEN, "forward", digest, TOKEN, tuple(marks))
        fs.pipe_file(f"/planted-journals/root/{JOURNAL}", journal.data())
        for use in (lambda s: s.flush(), lambda s: s.get("a"), lambda s: s.set("b", b"")):
            with pytest.raises(StoreError):
                use(Filesystem("memory://planted-journals/root"))
    assert fs.find("/planted-journals") == [
        f"/planted-journals/root/{name}" for name in ("a", JOURNAL, list_name(TOKEN))
    ]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give files away")
def test_a_journal_of_another_user_is_read_and_not_carried_out(got, tmp_path):
    """A journal, its list or a staged file of another user is nothing that we act on; a read changes nothing."""
    for other in (JOURNAL, list_name(TOKEN), staged_name(TOKEN, "a")):
        Filesystem(got).set("a", b"mine") if not (got / JOURNAL).exists() else None
        planted(got, ["a"])
        os.chown(got / other, 12345, 12345)
        before = everything(got)
        assert Filesystem(got)["a"] == b"planted"  # the state that the journal decides for
        assert everything(got) == before
        with pytest.raises(StoreError):
            Filesystem(got).flush()
        after = everything(got)
        assert after["a"][1] == b"mine"
        shutil.rmtree(got)
        got.mkdir()


def test_staged_names_cannot_be_foreseen(tmp_path):
    """Two saves of one store into one folder stage under different names, which a listing before does not tell."""
    source = FilesystemStore.open(tmp_path / "source", codec="raw")
    source.update(OLD)
    seen = []
    for _ in range(2):
        source.save(tmp_path / "saved", progress=lambda _: seen.append(set(os.listdir(tmp_path / "saved"))))
    staged = [{name for name in names if "~part" in name} for names in seen]
    assert staged[0]
    assert not staged[0] & staged[-1]


def test_staged_files_are_private_and_a_rewrite_keeps_the_mode(tmp_path):
    """What is being written is seen by its owner alone; then it has its file's mode, a new one that of the umask."""
    root = tmp_path / "store"
    store = Filesystem(root)
    store.update(OLD)
    (root / "both").chmod(0o640)
    (root / "stays").chmod(0o600)
    modes = []

    def pairs():
        for pair in NEW.items():
            yield pair
        while True:
            modes.extend((path.name, stat.S_IMODE(path.stat().st_mode)) for path in root.glob("saving-*"))
            return

    store._batches = lambda given: ([(store._path(key), key, value)] for key, value in given)
    store.replace_all(pairs())
    assert len(modes) >= 4
    assert {mode for _, mode in modes} == {0o600}
    store["both"] = b"again"
    store["new"] = b"1"
    mask = os.umask(0)
    os.umask(mask)
    expected = {"both": 0o640, "stays": 0o600, "added": 0o666 & ~mask, "more": 0o666 & ~mask, "new": 0o666 & ~mask}
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in root.iterdir()} == expected
    memory = InMemoryStore({"a": 1})
    file = tmp_path / "s.snapshot"
    memory.save(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o666 & ~mask
    file.chmod(0o600)
    memory.save(
        file, progress=lambda _: modes.extend(("", stat.S_IMODE(p.stat().st_mode)) for p in tmp_path.glob(".s*"))
    )
    assert {mode for _, mode in modes} == {0o600}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_links_lead_nowhere_else(tmp_path):
    """A link in a store that leads out is read by nothing, written by nothing, and a write takes its place."""
    root = tmp_path / "f"
    store = FilesystemStore.open(root, codec="raw")
    store["a"] = b"1"
    (tmp_path / "secret").write_bytes(b"secret")
    (root / "b").symlink_to(tmp_path / "secret")
    for use in (
        lambda: store["b"],
        lambda: store.get_many(["b"]),
        lambda: store.read_range("b", 0, 3),
        lambda: store.pop("b"),
        lambda: "b" in store,
        lambda: store.save(tmp_path / "saved"),
        lambda: dict(store.items()),
    ):
        with pytest.raises(StoreError, match="leads out"):
            use()
    store["b"] = b"2"
    assert (tmp_path / "secret").read_bytes() == b"secret"
    assert not (root / "b").is_symlink()
    store.save(tmp_path / "saved")
    (tmp_path / "saved" / "b").unlink()
    (tmp_path / "saved" / "b").symlink_to(tmp_path / "secret")
    with pytest.raises(StoreError, match="leads out"):
        InMemoryStore().load(tmp_path / "saved")


def test_a_link_to_a_folder_leads_no_long_key_outside(tmp_path):
    """Where a link stands for the folder of a long key, nothing is read, written or removed behind it."""
    store = Filesystem(tmp_path / "f")
    store["a"] = b"1"
    key = "x" * 200
    directory, name = path_of(key).split("/")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / name).write_bytes(b"mine")
    (tmp_path / "f" / directory).symlink_to(outside)
    assert store.get(key) is None
    assert key not in store
    assert store.delete(key) is False
    assert store.pop(key, None) is None
    for use in (lambda: store.set(key, b"2"), lambda: store.add(key, b"2"), lambda: store.replace_all([(key, b"2")])):
        with pytest.raises(StoreError):
            use()
    assert everything(outside) == {name: (stat.S_IFREG, b"mine")}
    assert dict(store.items()) == {"a": b"1"}


@pytest.mark.parametrize("kind", ["fifo", "device", "socket"])
def test_what_is_no_file_is_refused_and_not_waited_for(tmp_path, kind):
    """A pipe, a device or a socket under a name that we read or write is an error at once, and stays as it is."""
    code = f"""
import os, socket, sys
from spoonbill.backends import Filesystem
from spoonbill.datastores import FilesystemStore, InMemoryStore
from spoonbill.backends.safetensors.file import SafetensorsFile
from spoonbill.errors import SpoonbillError
root = sys.argv[1]
def make(path):
    if {kind!r} == "fifo": os.mkfifo(path)
    elif {kind!r} == "device": os.mknod(path, 0o600 | 0o020000, os.makedev(1, 3))
    else: socket.socket(socket.AF_UNIX).bind(path)
store = Filesystem(root + "/f", cache=root + "/cache")
store["a"] = b"1"
os.chdir(root)
make("f/p")
make("s.snapshot")
store.export(root + "/saved", {{"codec": "raw", "strict": True}})
os.unlink("saved/a")
make("saved/a")
uses = [
    lambda: store["p"], lambda: store.set("p", b"1"), lambda: store.read_range("p", 0, 1), lambda: store.pop("p"),
    lambda: store.add("p", b"1") and 1 / 0, lambda: InMemoryStore.open("s.snapshot"),
    lambda: InMemoryStore({{"a": 1}}).save("s.snapshot"), lambda: InMemoryStore().load("saved"),
    lambda: SafetensorsFile("s.snapshot"),
]
for number, use in enumerate(uses):
    try:
        use()
    except SpoonbillError as error:
        print(number, "refused", type(error).__name__)
    else:
        print(number, "not refused")
for path in ("f/commit~journal",):
    make(path)
    try:
        Filesystem(root + "/f").get("a")
    except SpoonbillError:
        print("journal refused")
"""
    if kind == "device" and os.geteuid() != 0:
        kind = "fifo"
    ended = subprocess.run(
        [sys.executable, "-c", code, tmp_path], capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.stderr == ""
    lines = ended.stdout.splitlines()
    assert [line for line in lines if "not refused" in line] in ([], ["4 not refused"])  # add: the name is taken
    assert lines[-1] == "journal refused"
    assert not stat.S_ISREG((tmp_path / "f" / "p").lstat().st_mode)
    assert not stat.S_ISREG((tmp_path / "s.snapshot").lstat().st_mode)


def test_a_shard_that_is_a_link_out_of_its_folder(tmp_path):
    """An index whose shard is a link elsewhere is refused; the links of a model cache, side by side, are read."""
    import numpy as np
    from safetensors.numpy import save_file

    blobs, snapshot = tmp_path / "blobs", tmp_path / "snapshots" / "1"
    blobs.mkdir()
    snapshot.mkdir(parents=True)
    save_file({"a": np.ones(3)}, blobs / "b1")
    (blobs / "b2").write_text(json.dumps({"weight_map": {"a": "one.safetensors"}}))
    index = snapshot / "model.safetensors.index.json"
    index.symlink_to("../../blobs/b2")
    (snapshot / "one.safetensors").symlink_to("../../blobs/b1")
    assert list(SafetensorsStore.open(index)) == ["a"]
    (tmp_path / "outside").mkdir()
    (blobs / "b1").rename(tmp_path / "outside" / "b1")
    (snapshot / "one.safetensors").unlink()
    (snapshot / "one.safetensors").symlink_to("../../outside/b1")
    with pytest.raises(CodecError, match="leads out"):
        SafetensorsStore.open(index)


def test_a_planted_link_is_not_written_through_by_a_save(tmp_path):
    """Links under names that a save or load could use lead into nothing that is written."""
    (tmp_path / "victim").write_text("mine")
    source = FilesystemStore.open(tmp_path / "source", codec="raw")
    source.update(OLD)
    shared = tmp_path / "shared"
    shared.mkdir()
    for name in (f"saving-{TOKEN}-run~part", staged_name(TOKEN, "both"), "both~part"):
        (shared / name).symlink_to(tmp_path / "victim")
    source.save(shared)
    Filesystem(shared).replace_all(NEW.items())
    assert (tmp_path / "victim").read_text() == "mine"
    assert {name: (shared / name).read_bytes() for name in NEW} == NEW


def test_copies_of_an_interrupted_save_by_others_are_not_used(tmp_path, monkeypatch):
    """What another one planted as the copies of an interrupted save, with a second name or as a link, is not shown."""
    source = FilesystemStore.open(tmp_path / "source", codec="raw")
    source.update({"a": b"right", "b": b"right"})

    def stop(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("spoonbill.snapshots.folder_writer.commit", stop)
        with pytest.raises(KeyboardInterrupt):
            source.save(tmp_path / "saved")
    left = [path for path in (tmp_path / "saved").iterdir() if "-" in path.name and path.read_bytes() == b"right"]
    assert len(left) == 2
    for number, path in enumerate(left):
        path.unlink()
        (tmp_path / f"planted{number}").write_bytes(b"wrong")
        path.symlink_to(tmp_path / f"planted{number}") if number else os.link(tmp_path / "planted0", path)
    source.save(tmp_path / "saved")
    assert FilesystemStore.open(tmp_path / "saved", codec="raw").copy() == {"a": b"right", "b": b"right"}


def test_a_commit_is_refused_where_a_staged_file_was_exchanged(tmp_path, monkeypatch):
    """A staged file that has become a link or has a second name is not shown: the load fails and changes nothing."""
    store = Filesystem(tmp_path / "f")
    store.update(OLD)
    (tmp_path / "planted").write_bytes(b"wrong")
    real = committing.commit

    def exchanging(folder, token, names, present, **options):
        path = tmp_path / "f" / staged_name(token, "added")
        path.unlink()
        path.symlink_to(tmp_path / "planted")
        real(folder, token, names, present, **options)

    monkeypatch.setattr("spoonbill.filesystems.staging.commit", exchanging)
    with pytest.raises(StoreError):
        store.replace_all(NEW.items())
    assert dict(Filesystem(tmp_path / "f").items()) == OLD
