"""Whether a path still names the file that was opened there."""

import os
import time

import pytest

from spoonbill.common.paths import Place, identity


@pytest.fixture
def path(tmp_path):
    """A file in a folder that has not changed for a while."""
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "data").write_bytes(b"1")
    long_ago = time.time() - 10
    os.utime(folder, (long_ago, long_ago))
    return folder / "data"


def put_another(path):
    """Another file takes the name."""
    path.with_name("other").write_bytes(b"2")
    path.with_name("other").replace(path)


def link_another(path):
    """A link to another file takes the name."""
    path.with_name("other").write_bytes(b"2")
    path.unlink()
    path.symlink_to("other")


def move_folder(path):
    """The folder has another name."""
    path.parent.rename(path.parent.with_name("moved"))


def replace_folder(path):
    """A copy of the folder takes its name."""
    move_folder(path)
    path.parent.mkdir()
    path.write_bytes(b"1")


@pytest.mark.parametrize("happens", [os.unlink, put_another, link_another, move_folder, replace_folder])
def test_what_happens_to_the_file_is_seen_at_the_next_look(path, happens):
    """A file that was removed, replaced or moved is missed, however soon after the last look."""
    place = Place(str(path))
    assert all(place.is_kept() for _ in range(3))
    happens(path)
    assert not place.is_kept()
    assert not place.is_kept()


def test_a_busy_folder(path):
    """Writes to the file and other names in its folder are no change of place, and one among them is seen."""
    place = Place(str(path))
    for number in range(20):
        path.write_bytes(b"%d" % number)
        path.with_name(f"other {number}").write_bytes(b"")
        assert place.is_kept()
    put_another(path)
    assert not place.is_kept()


def test_what_a_link_leads_to(path, tmp_path):
    """Behind a link in another folder the file is watched too."""
    link = tmp_path / "link"
    link.symlink_to(path)
    place = Place(str(link))
    assert place.is_kept()
    put_another(path)
    assert not place.is_kept()


def test_no_file_yet(path):
    """Where there was no file, nothing can be missed."""
    place = Place(str(path.with_name("none")))
    assert place.identity is None
    assert place.is_kept()
    assert Place("/nowhere", identity(str(path))).identity == identity(str(path))
