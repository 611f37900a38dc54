"""Mutated journals and notes: only errors of the tree, in bounded time and memory, and nothing outside is touched.

``SPOONBILL_TORTURE=1000000`` sets how many.
"""

import json
import os
import random
import time
import tracemalloc

import pytest

from spoonbill.backends import Filesystem
from spoonbill.datastores import InMemoryStore
from spoonbill.errors import SnapshotError, SpoonbillError
from spoonbill.filesystems.folder import Folder
from spoonbill.filesystems.recovery.journal import Change, Journal, read_changes, write_changes
from spoonbill.filesystems.recovery.run import Run, list_name, staged_name
from spoonbill.snapshots.note import read_note

COUNT = int(os.environ.get("SPOONBILL_TORTURE", "3000"))
TOKEN = "0123456789abcdef" * 2
WORDS = [
    b"..",
    b"/",
    b"../../home/x",
    b"~part",
    b"null",
    b"true",
    b"-1",
    b"1e999",
    b"[",
    b"{",
    b'"',
    b"\\u0000",
    b"\xff",
]
WORDS += [b"9" * 5000, b"[" * 20_000, b'{"a":' * 20_000, b"\n", b"\x00", b"\\ud800", b",", b"commit~journal", b"%2e"]


def mutated(chance, data):
    """Return bytes with some changes: cut, doubled, exchanged, and with words of others' choice put in."""
    for _ in range(chance.randint(1, 4)):
        at, until = sorted((chance.randint(0, len(data)), chance.randint(0, len(data))))
        what = chance.randrange(5)
        if what == 0:
            data = data[:at] + chance.choice(WORDS) + data[at:]
        elif what == 1:
            data = data[:at] + chance.choice(WORDS) + data[until:]
        elif what == 2:
            data = data[:at] + data[at:until] + data[at:]
        elif what == 3 and data:
            data = data[:at] + bytes([chance.randrange(256)]) + data[at + 1 :]
        else:
            data = data[:until]
    return data


class Held(Folder):
    """A root of files in a dict."""

    def __init__(self, files):
        self.files = files
        self.root, self.start = "/root", "/root/"

    @property
    def identity(self):
        return ("held", "/root")

    def read(self, path):
        try:
            return self.files[path.removeprefix("/root/")]
        except KeyError:
            raise FileNotFoundError(path) from None


def bounded(work, size):
    """Do a piece of work in less than a second, and with less than 64 MB over its input."""
    began = time.monotonic()
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    try:
        return work()
    finally:
        assert time.monotonic() - began < 5  # a hang, and no more, on any machine
        assert tracemalloc.get_traced_memory()[1] - before < (64 << 20) + size


@pytest.fixture
def traced():
    tracemalloc.start()
    yield
    tracemalloc.stop()


def journal():
    data, digest = write_changes([Change(name, new=True, old=False) for name in ("a", "^b", "files~note", "x%2f")])
    return Journal(TOKEN, "forward", digest, TOKEN, ("/root", "12")), data


@pytest.mark.usefixtures("traced")
def test_mutated_journals():
    """The journal and its list are read as they were written, or refused."""
    chance = random.Random(1)
    noted, changes = journal()
    for number in range(COUNT):
        files = {"commit~journal": noted.data(), list_name(TOKEN): changes}
        name = chance.choice(sorted(files))
        files[name] = mutated(chance, files[name])
        if number % 3 == 0:  # a list that its journal belongs to: what is in the list itself is judged
            files[list_name(TOKEN)] = data = mutated(chance, changes)
            files["commit~journal"] = noted._replace(digest=digest_of(data)).data()
        folder = Held(files)

        def read(folder=folder):
            found = Journal.read(folder, own=True)
            return read_changes(folder, found, own=True)

        try:
            found = bounded(read, sum(map(len, files.values())))
        except (SpoonbillError, FileNotFoundError):
            continue
        for change in found:
            assert ".." not in change.name.split("/")
            assert change.name[:1] != "/"
            assert not change.name.endswith("~part")


def digest_of(data):
    import hashlib

    return hashlib.sha256(data).hexdigest()


@pytest.mark.usefixtures("traced")
def test_mutated_notes_of_folders():
    """The note of a saved folder is read as files of keys, or is a SnapshotError."""
    chance = random.Random(2)
    head = {"spoonbill": "files 1", "files": 3, "codec": "msgpack", "strict": True}
    lines = [head, ["a", 1, "a"], ["^b", 2, "B"], ["%", 0, ""]]
    note = "".join(json.dumps(line) + "\n" for line in lines).encode()
    assert read_note(note, "/root") == (head, [tuple(line) for line in lines[1:]])
    for _ in range(COUNT):
        data = mutated(chance, note)
        try:
            found = bounded(lambda data=data: read_note(data, "/root"), len(data))
        except SnapshotError:
            continue
        assert all(".." not in name.split("/") and name[:1] != "/" and size >= 0 for name, size, _ in found[1])


@pytest.mark.usefixtures("traced")
def test_mutated_notes_of_runs():
    """The note of a run that was interrupted is taken for one of ours, or for nothing."""
    chance = random.Random(3)
    run = Run(Held({}), "source")
    note = run._note()
    taken = 0
    for number in range(COUNT):
        data = note if number == 0 else mutated(chance, note)
        other = Run(Held({f"saving-{run.token}-run~part": data}), "source")
        head = bounded(lambda other=other: other._head(run.token), len(data))
        assert head is None or (head["token"], head["roots"], type(head["at"])) == (run.token, ["/root"], int)
        taken += head is not None
    assert taken > 0


def test_mutated_journals_on_disk(tmp_path):
    """Whatever a journal on disk says: outside of its root nothing changes, and reads change nothing at all."""
    chance = random.Random(4)
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "x").write_bytes(b"mine")
    root = tmp_path / "root"
    noted, changes = journal()
    for _ in range(min(COUNT // 10, 20_000)):
        Filesystem(root)["a"] = b"mine"
        changes_now = mutated(chance, changes)
        marks = (str(root), str(root.stat().st_ino))
        (root / list_name(TOKEN)).write_bytes(changes_now)
        (root / "commit~journal").write_bytes(noted._replace(digest=digest_of(changes_now), roots=marks).data())
        (root / staged_name(TOKEN, "a")).write_bytes(b"planted")
        before = sorted(os.listdir(root))
        for use in (lambda: dict(Filesystem(root).items()), lambda: Filesystem(root).get("a")):
            try:
                use()
            except SpoonbillError:
                pass
            assert sorted(os.listdir(root)) == before
        try:
            Filesystem(root).flush()
        except SpoonbillError:
            pass
        assert sorted(os.listdir(tmp_path)) == ["home", "root"]
        assert [(path.name, path.read_bytes()) for path in (tmp_path / "home").iterdir()] == [("x", b"mine")]
        for path in root.iterdir():
            path.unlink()


@pytest.fixture
def got(tmp_path):
    (tmp_path / "got").mkdir()
    return tmp_path / "got"


NOTES = {
    "outside": ["../home/.bashrc", 4, "x"],
    "not its key": ["a", 1, "b"],
    "absolute": ["/etc/passwd", 1, "/etc/passwd"],
    "no size": ["a", -1, "a"],
    "a size that is none": ["a", True, "a"],
    "four things": ["a", 1, "a", 1],
    "no list": {"a": 1},
    "deep": None,
}


@pytest.mark.parametrize("what", NOTES)
def test_a_note_names_only_files_of_keys(got, what):
    """The note of a saved folder with a line that we would not write is refused before any file is read."""
    line = json.dumps(NOTES[what]) if NOTES[what] is not None else "[" * 100_000
    head = json.dumps({"spoonbill": "files 1", "files": 1, "codec": "raw", "strict": True})
    (got / "files~note").write_text(f"{head}\n{line}\n")
    (got / "a").write_bytes(b"1")
    with pytest.raises(SnapshotError):
        InMemoryStore.open(str(got))


def test_a_note_with_a_head_of_other_types(got):
    """A codec that is no name, or a count that is no number, is refused."""
    for change in ({"codec": []}, {"strict": 1}, {"files": True}, {"files": "1"}, {"codec": None}):
        head = {"spoonbill": "files 1", "files": 1, "codec": "raw", "strict": True, **change}
        (got / "files~note").write_text(f'{json.dumps(head)}\n["a", 1, "a"]\n')
        (got / "a").write_bytes(b"1")
        with pytest.raises(SnapshotError):
            InMemoryStore.open(str(got))
