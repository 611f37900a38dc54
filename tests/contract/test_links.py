"""What is rewritten keeps its mode, and the links that lead to it, on every way on which a file is written."""

import stat

import numpy as np
import pytest

from spoonbill.datastores import (
    FilesystemStore,
    InMemoryStore,
    LmdbStore,
    PysosStore,
    SafetensorsStore,
    ShelveStore,
    SQLiteStore,
)
from spoonbill.errors import StoreError

ONE = InMemoryStore({"a": 1})


def in_store(opening):
    def write(path):
        with opening(path) as store:
            store.update(a=1, b="x" * 100)
            store.replace_all([("c", 3)])
            store["d"] = 4
            del store["d"]
            store.flush()

    return write


def back_up(path):
    with SQLiteStore(":memory:") as store:
        store["a"] = 1
        store.backup(path)


FILES = {
    "snapshot": ONE.save,
    "snapshot to a str": lambda path: ONE.save(str(path)),
    "snapshot to a file URL": lambda path: ONE.save(path.as_uri()),
    "snapshot to a local URL": lambda path: ONE.save(f"local://{path}"),
    "tensors": lambda path: SafetensorsStore.export_safetensors({"w": np.ones(2)}, path),
    "tensors to a file URL": lambda path: SafetensorsStore.export_safetensors({"w": np.ones(2)}, path.as_uri()),
    "pysos": in_store(PysosStore),
    "sqlite": in_store(SQLiteStore),
    "sqlite backup": back_up,
    "lmdb file": in_store(lambda path: LmdbStore(path, subdir=False)),
}
FOLDERS = {
    "files": in_store(FilesystemStore),
    "files of a file URL": in_store(lambda path: FilesystemStore(path.as_uri())),
    "lmdb": in_store(LmdbStore),
}


def mode_of(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("way", sorted(FILES))
def test_a_file_behind_a_link_is_written_and_keeps_its_mode(way, tmp_path):
    """The link stays a link, two links too; no copy of the file appears beside it."""
    (tmp_path / "kept").mkdir()
    real, link = tmp_path / "kept" / "real file", tmp_path / "latest"
    FILES[way](real)
    real.chmod(0o640)
    before = real.read_bytes()
    (tmp_path / "middle").symlink_to("kept/real file")
    link.symlink_to(tmp_path / "middle")
    FILES[way](link)
    assert link.is_symlink()
    assert (tmp_path / "middle").is_symlink()
    assert mode_of(real) == 0o640
    assert real.read_bytes()[:6] == before[:6]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept", "latest", "middle"]
    FILES[way](real)
    assert mode_of(real) == 0o640


@pytest.mark.parametrize("way", sorted(FOLDERS))
def test_a_folder_behind_a_link_is_the_place(way, tmp_path):
    """A store that is opened by a link to its folder changes the folder, and not the link."""
    FOLDERS[way](tmp_path / "real")
    (tmp_path / "link").symlink_to("real")
    FOLDERS[way](tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "real"]


@pytest.mark.parametrize("form", [str, lambda path: path.as_uri()])
def test_an_export_of_files_goes_behind_a_link(form, tmp_path):
    """The folder that a link names takes the files; those that are replaced keep their modes."""
    with FilesystemStore(tmp_path / "store", codec="json") as store:
        store.update(a=1, b=2)
        store.save(tmp_path / "real")
        (tmp_path / "real" / "a").chmod(0o640)
        (tmp_path / "link").symlink_to("real")
        store["a"] = 3
        store.save(form(tmp_path / "link"))
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / "a").read_text() == "3"
    assert mode_of(tmp_path / "real" / "a") == 0o640


def test_a_value_keeps_the_mode_of_its_file(tmp_path):
    """By a set, a batch and a load into a FilesystemStore; two handles by the folder and by a link are one store."""
    ONE.save(tmp_path / "s")
    with FilesystemStore(tmp_path / "real", codec="json") as store:
        store["a"] = 0
        (tmp_path / "real" / "a").chmod(0o640)
        (tmp_path / "link").symlink_to("real")
        with FilesystemStore(tmp_path / "link", codec="json") as other:
            for write in (
                lambda: other.set("a", 2),
                lambda: other.update(a=3, b=4),
                lambda: other.replace("a", 3, 5),
                lambda: other.load(tmp_path / "s"),
            ):
                write()
                assert mode_of(tmp_path / "real" / "a") == 0o640
        assert dict(store) == {"a": 1}


def test_the_files_of_a_shelf_are_written_behind_links(tmp_path):
    """dbm.dumb writes its index anew under its name: behind a link, with the mode that it has."""
    write = in_store(lambda path: ShelveStore(path, dbm="dbm.dumb"))
    (tmp_path / "real").mkdir()
    write(tmp_path / "real" / "db")
    for ending in (".dat", ".dir"):
        (tmp_path / "real" / f"db{ending}").chmod(0o664)
        (tmp_path / f"link{ending}").symlink_to(f"real/db{ending}")
    with ShelveStore(tmp_path / "link", dbm="dbm.dumb") as store:
        store["behind"] = 1
        store["c"] = "longer than before, so that the index is written anew" * 20
    for ending in (".dat", ".dir"):
        assert (tmp_path / f"link{ending}").is_symlink()
        assert mode_of(tmp_path / "real" / f"db{ending}") == 0o664
    with ShelveStore(tmp_path / "real" / "db") as store:
        assert store["behind"] == 1
        assert store["c"].startswith("longer")


def test_a_file_url_is_no_way_past_an_open_store(tmp_path):
    """It is the path that it names: nothing is saved over the files of an open store by it."""
    with LmdbStore(tmp_path / "db") as store:
        store["a"] = 1
        for url in ((tmp_path / "db" / "data.mdb").as_uri(), f"local://{tmp_path}/db/data.mdb"):
            with pytest.raises(StoreError, match="open"):
                ONE.save(url)
        assert store["a"] == 1
