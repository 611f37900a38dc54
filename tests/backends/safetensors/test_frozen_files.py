"""Reading safetensors files where they lie: slices, URLs, views, checkpoints of several shards."""

import json
import os
import pickle
import re
import shutil

import fsspec
import numpy as np
import pytest
import safetensors.numpy

from spoonbill import Cached, Codec, glob
from spoonbill.datastores import SafetensorsInMemoryStore, SafetensorsStore
from spoonbill.errors import (
    ClosedError,
    CodecError,
    InvalidKeyError,
    ReadOnlyError,
    StackError,
    StoreError,
    UnsupportedError,
)
from spoonbill.testing.contract import refuses_every_write
from tests.backends.safetensors.tensor_files import GRID, file_of, python_equal


@pytest.fixture
def frozen(tmp_path):
    store = SafetensorsStore.from_dict(
        {"layer.0": GRID, "layer.1": GRID.T, "bias": np.array(3)}, tmp_path / "f", metadata={"made": "here"}
    )
    yield store
    store.close()


def test_frozen_refuses_every_write(tmp_path):
    """Every write raises ReadOnlyError, which is a TypeError and a NotImplementedError, and the file stays as it is."""
    pairs = {"a": np.array([1]), "b": np.array([2])}
    file = file_of(tmp_path / "f", **pairs)
    before = file.read_bytes()
    store = SafetensorsStore.open(file)
    refuses_every_write(store, pairs)
    for error in (TypeError, NotImplementedError):
        with pytest.raises(error, match="SafetensorsLmdbStore"):
            store["a"] = 1
    with pytest.raises(ReadOnlyError):
        del store["a"]
    with pytest.raises(ReadOnlyError):
        store.raw["a"] = 1
    with pytest.raises(ReadOnlyError):
        del store.raw["a"]
    assert file.read_bytes() == before


def test_reading(frozen):
    """Listing, search, absence, info, metadata and dict forms of a file agree with what was written."""
    assert sorted(frozen) == ["bias", "layer.0", "layer.1"]
    assert len(frozen) == 3
    assert list(frozen.keys(glob("layer.*"))) == ["layer.0", "layer.1"]
    assert list(frozen.keys("layer.1")) == ["layer.1"]
    assert "bias" in frozen
    assert "nothing" not in frozen
    assert frozen.get("nothing") is None
    with pytest.raises(KeyError):
        frozen["nothing"]
    with pytest.raises(KeyError):
        frozen.info("nothing")
    with pytest.raises(InvalidKeyError):
        frozen[["list"]]
    assert 5 not in frozen
    info = frozen.info("layer.1")
    assert (info.dtype, info.shape, info.nbytes) == ("F32", (6, 4), 96)
    assert frozen.metadata == {"made": "here"}
    assert frozen == {"layer.0": GRID, "layer.1": GRID.T, "bias": np.array(3)}
    assert all(python_equal(value, frozen[key]) for key, value in frozen.to_dict().items())
    assert frozen.native("has")
    assert not frozen.native("set")
    with pytest.raises(StackError):
        Codec(frozen)
    assert Cached(frozen)["bias"] == 3


@pytest.mark.parametrize("url", [False, True])
@pytest.mark.parametrize(
    "index",
    [
        np.s_[1],
        np.s_[-1],
        np.s_[1:3],
        np.s_[::2],
        np.s_[::-1],
        np.s_[3:0:-2],
        np.s_[2:2],
        np.s_[:, 1:4],
        np.s_[1:3, ::2],
        np.s_[..., 0],
        np.s_[None, 1],
        np.s_[2, 3],
        np.s_[-2:, -1],
        (),
        ...,
    ],
    ids=str,
)
def test_slices(url, index, tmp_path):
    """A slice is what numpy gives of the whole tensor, from disk and over a URL, with memory of its own."""
    path = f"memory://{tmp_path.name}" if url else tmp_path / "f"
    store = SafetensorsStore.from_dict({"z": np.zeros(2), "a": GRID, "zero": np.zeros((4, 0, 2))}, path)
    part = store.get_slice("a", index)
    assert python_equal(np.asarray(part), np.array(GRID[index]))
    part[...] = 0
    assert python_equal(store["a"], GRID)
    assert store.get_slice("zero", np.s_[1:3]).shape == (2, 0, 2)


def test_slices_that_cannot_be(frozen):
    """A bad index is refused with the key in the message; an absent tensor is a KeyError."""
    with pytest.raises(KeyError):
        frozen.get_slice("nothing", 0)
    with pytest.raises(IndexError, match=r"layer\.0"):
        frozen.get_slice("layer.0", 4)
    with pytest.raises(IndexError, match=r"layer\.0"):
        frozen.get_slice("layer.0", (0, 0, 0))
    for index in ([0, 1], np.array([0]), True, "a", 1.0):
        with pytest.raises(UnsupportedError, match=r"layer\.0.*slices"):
            frozen.get_slice("layer.0", index)


def test_a_slice_over_a_url_reads_only_its_rows():
    """Over a URL, no byte outside of the header and the rows asked for is fetched."""
    SafetensorsStore.export_safetensors({"a": np.arange(1000.0).reshape(100, 10)}, "memory://sliced")
    store = SafetensorsStore.open("memory://sliced")
    asked = []
    filesystem = store.raw._file._filesystem
    fetch = filesystem.cat_file
    filesystem.cat_file = lambda path, start=None, end=None: asked.append(end - start) or fetch(path, start, end)
    try:
        assert store.get_slice("a", np.s_[10:12, 3]).tolist() == [103.0, 113.0]
    finally:
        del filesystem.cat_file
    assert asked == [160]


def test_a_replaced_file_is_noticed(tmp_path):
    """A file moved into place, one rewritten in place and a link pointed elsewhere are each seen at the next read."""
    file = file_of(tmp_path / "f", a=np.array([1]))
    store = SafetensorsStore.open(file)
    before = store["a"]
    os.replace(file_of(tmp_path / "g", a=np.array([2]), b=np.array([3])), file)
    assert "b" in store
    assert len(store) == 2
    assert store["a"].tolist() == [2]
    assert before.tolist() == [1]
    safetensors.numpy.save_file({"c": np.arange(100)}, file)
    assert list(store) == ["c"]
    os.symlink(file, tmp_path / "link")
    linked = SafetensorsStore.open(tmp_path / "link")
    assert list(linked) == ["c"]
    file_of(tmp_path / "h", d=GRID)
    os.symlink(tmp_path / "h", tmp_path / "new link")
    os.replace(tmp_path / "new link", tmp_path / "link")
    assert list(linked) == ["d"]
    shutil.copy(tmp_path / "h", file)
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(CodecError, match="truncated"):
        store["d"]
    file.unlink()
    with pytest.raises(StoreError, match=r"still there"):
        store["d"]


def test_touching_a_file_replaces_nothing(tmp_path):
    """A second link or new permissions change no data: the file that is open stays open."""
    file = file_of(tmp_path / "f", a=GRID)
    store = SafetensorsStore.open(file)
    held = store.raw._file
    os.link(file, tmp_path / "g")
    file.chmod(0o600)
    assert python_equal(store["a"], GRID)
    assert store.raw._file is held


def test_views_live_as_long_as_they_are_held(tmp_path):
    """A view of the mapped file outlives its store, a replaced file, and a closed store."""
    file = file_of(tmp_path / "f", a=GRID)
    store = SafetensorsStore.open(file, copy=False)
    view, part = store["a"], store.get_slice("a", np.s_[1:])
    assert not view.flags.owndata
    os.replace(file_of(tmp_path / "g", a=-GRID), file)
    assert python_equal(store["a"], -GRID)
    store.close()
    del store
    assert python_equal(view, GRID)
    assert python_equal(part, GRID[1:])


def test_closed_and_missing(tmp_path):
    """A closed store and a missing file are errors of the tree, with the path in the message."""
    store = SafetensorsStore.open(file_of(tmp_path / "f", a=GRID))
    store.close()
    store.close()
    for use in (lambda: store["a"], lambda: len(store), lambda: "a" in store, lambda: store.get_slice("a", 0)):
        with pytest.raises(ClosedError):
            use()
    with pytest.raises(StoreError, match="no such file"):
        SafetensorsStore.open(tmp_path / "no such file")
    with pytest.raises(UnsupportedError, match="'np', 'pt'"):
        SafetensorsStore.open(tmp_path / "f", framework="numpy")
    with pytest.raises(UnsupportedError, match="cuda"):
        SafetensorsStore.open(tmp_path / "f", device="cuda")
    with pytest.raises(UnsupportedError, match="copy=False"):
        SafetensorsStore.open("memory://f", copy=False)


def test_pickle_and_fork(tmp_path):
    """A pickled store opens the same file; a forked child reads through the handle that it inherited."""
    store = SafetensorsStore.open(file_of(tmp_path / "f", a=GRID))
    assert python_equal(pickle.loads(pickle.dumps(store))["a"], GRID)
    memory = SafetensorsInMemoryStore.from_dict({"a": GRID})
    assert python_equal(pickle.loads(pickle.dumps(memory))["a"], GRID)
    pid = os.fork()
    if pid == 0:
        os._exit(0 if python_equal(store["a"], GRID) else 1)
    assert os.waitpid(pid, 0)[1] == 0


def test_urls(tmp_path):
    """A file on another filesystem is read by ranges, exported to, and noticed when it is replaced."""
    url = f"memory://{tmp_path.name}/model.safetensors"
    SafetensorsStore.export_safetensors({"a": GRID, "s": np.array(1), "e": np.zeros(0)}, url)
    assert safetensors.numpy.load(fsspec.filesystem("memory").cat_file(url)).keys() == {"a", "s", "e"}
    store = SafetensorsStore.open(url)
    assert python_equal(store["a"], GRID)
    assert store["s"] == 1
    assert store["e"].shape == (0,)
    store["a"][:] = 0
    SafetensorsInMemoryStore.from_dict({"a": GRID.T}).export_safetensors(url)
    assert python_equal(store["a"], np.array(GRID.T, order="C"))
    file_of(tmp_path / "f", a=GRID)
    assert python_equal(SafetensorsStore.open(f"file://{tmp_path}/f")["a"], GRID)
    assert python_equal(SafetensorsStore.open(f"simplecache::file://{tmp_path}/f")["a"], GRID)
    with pytest.raises(StoreError):
        SafetensorsStore.open("memory://nothing here")


@pytest.fixture
def checkpoint(tmp_path):
    for number, names in ((1, "ab"), (2, "c")):
        file_of(tmp_path / f"model-{number}.safetensors", **dict.fromkeys(names, GRID + number))
    homes = {"a": "model-1.safetensors", "b": "model-1.safetensors", "c": "model-2.safetensors"}
    index = {"metadata": {"total_size": 288}, "weight_map": homes}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    return tmp_path


def test_a_sharded_checkpoint_is_one_store(checkpoint):
    """Its index, its directory and the name of the whole model each open it, with the tensors of every shard."""
    for path in ("model.safetensors.index.json", "", "model.safetensors"):
        store = SafetensorsStore.open(checkpoint / path)
        assert sorted(store) == ["a", "b", "c"]
        assert len(store) == 3
        assert store == {"a": GRID + 1, "b": GRID + 1, "c": GRID + 2}
        assert python_equal(store.get_slice("c", np.s_[1:2]), (GRID + 2)[1:2])
        assert store.info("c").shape == (4, 6)
        assert store.metadata["total_size"] == 288
        assert "d" not in store
    with pytest.raises(KeyError):
        store["d"]
    refuses_every_write(SafetensorsStore.open(file_of(checkpoint / "x", a=np.array([1]))), {"a": np.array([1])})
    with pytest.raises(ReadOnlyError):
        store["a"] = GRID
    os.replace(file_of(checkpoint / "new", c=-GRID), checkpoint / "model-2.safetensors")
    assert python_equal(store["c"], -GRID)
    SafetensorsStore.export_safetensors(store, checkpoint / "whole")
    assert python_equal(safetensors.numpy.load_file(checkpoint / "whole")["c"], -GRID)


def test_a_checkpoint_over_a_url(checkpoint):
    """The index and its shards may lie on any filesystem."""
    memory = fsspec.filesystem("memory")
    for file in checkpoint.iterdir():
        memory.pipe_file(f"/sharded/{file.name}", file.read_bytes())
    assert python_equal(SafetensorsStore.open("memory://sharded/model.safetensors.index.json")["b"], GRID + 1)


@pytest.mark.parametrize(
    ("index", "reason"),
    [
        ({"weight_map": {"a": "../secret"}}, "no file beside it"),
        ({"weight_map": {"a": "/etc/passwd"}}, "no file beside it"),
        ({"weight_map": {"a": "memory://x"}}, "no file beside it"),
        ({"weight_map": {"a": 5}}, "no file beside it"),
        ({"weight_map": {"z": "model-1.safetensors"}}, "'z'.*not of one checkpoint"),
        ({"weight_map": []}, "no weight_map"),
        ([], "no weight_map"),
    ],
)
def test_an_index_that_lies_is_refused(index, reason, checkpoint):
    """An index names files beside it and tensors that are in them, or it is refused."""
    (checkpoint / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(CodecError, match=reason):
        SafetensorsStore.open(checkpoint)


def test_a_missing_shard_is_named(checkpoint):
    """A checkpoint that lacks a shard does not open."""
    (checkpoint / "model-2.safetensors").unlink()
    with pytest.raises(StoreError, match=re.escape("model-2.safetensors")):
        SafetensorsStore.open(checkpoint)
    (checkpoint / "model.safetensors.index.json").write_text("{")
    with pytest.raises(CodecError, match="no JSON"):
        SafetensorsStore.open(checkpoint)
