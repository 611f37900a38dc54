"""What earlier versions stored is read by this one, and where a format leaves no choice it is written as they did."""

import resource
import shutil
import sys
from pathlib import Path

import pytest

from tests.compatibility.formats import FORMATS

HERE = Path(__file__).parent
VERSIONS = sorted(folder.name for folder in HERE.iterdir() if folder.name[0].isdigit())
READ = [pytest.param(version, one, id=f"{version}-{one.name}") for version in VERSIONS for one in FORMATS]


def same(found, wanted):
    """Return whether two values are equal and of one type, all the way down."""
    if type(found) is not type(wanted):
        return False
    if type(wanted) is dict:
        return found.keys() == wanted.keys() and all(same(found[key], value) for key, value in wanted.items())
    if type(wanted) in {list, tuple}:
        return len(found) == len(wanted) and all(map(same, found, wanted))
    return found == wanted


@pytest.mark.parametrize(("version", "one"), READ)
def test_what_a_version_wrote_is_read(version, one, tmp_path):
    """Each entry of each fixture comes back with its own type."""
    kept = HERE / version / one.name
    if not kept.exists():
        pytest.skip(f"version {version} had no format {one.name}")
    if one.name == "lmdb" and (sys.byteorder != "little" or resource.getpagesize() != 4096):
        pytest.skip("LMDB's files are of one page size and byte order")
    shutil.copytree(kept, tmp_path / "copy")
    with one.open(tmp_path / "copy") as store:
        assert same(dict(store.items()), one.entries)


@pytest.mark.parametrize("one", FORMATS, ids=lambda one: one.name)
def test_a_format_is_read_back(one, tmp_path):
    """What this version writes, it reads."""
    (tmp_path / "new").mkdir()
    with one.open(tmp_path / "new") as store:
        store.update(one.entries)
    with one.open(tmp_path / "new") as store:
        assert same(dict(store.items()), one.entries)


DETERMINED = ["msgpack", "json", "json-files", "files"]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", DETERMINED)
def test_the_same_bytes_are_written(name, version, tmp_path):
    """Where a format leaves no choice the files are those that the version wrote: older programs go on reading them."""
    (one,) = [one for one in FORMATS if one.name == name]
    (tmp_path / name).mkdir()
    with one.open(tmp_path / name) as store:
        store.update({key: value for key, value in one.entries.items() if key != "set"})
    new = contents(tmp_path / name)
    old = contents(HERE / version / name)
    assert new
    if len(new) == 1:
        assert same_lines(new, old)
    else:
        assert new.items() <= old.items()


def contents(folder):
    """Return the files of a folder by name."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def same_lines(new, old):
    """Return whether one file has the lines of another, whatever commas are between them."""
    (name,) = new
    return {line.rstrip(b",") for line in new[name].splitlines()} <= {
        line.rstrip(b",") for line in old[name].splitlines()
    }
