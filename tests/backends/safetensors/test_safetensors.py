"""The tensor stores with numpy: the contract, the format against the library itself, and files that lie."""

import json
import os
import pickle
import re
import shutil
import subprocess
import sys
from pathlib import Path

import fsspec
import ml_dtypes
import numpy as np
import pytest
import safetensors.numpy
from safetensors import safe_open

from spoonbill import Cached, Codec, SafetensorsExport, glob
from spoonbill.codecs import Safetensors
from spoonbill.common.sentinels import MISSING
from spoonbill.datastores import InMemoryStore, SafetensorsInMemoryStore, SafetensorsLmdbStore, SafetensorsStore
from spoonbill.datastores.safetensors import deserialize, serialize
from spoonbill.errors import (
    ClosedError,
    CodecError,
    InvalidKeyError,
    ReadOnlyError,
    StackError,
    StoreError,
    UnsupportedError,
)
from spoonbill.testing import StoreContract
from spoonbill.testing.contract import refuses_every_write

GRID = np.arange(24, dtype="f4").reshape(4, 6)


def python_equal(a, b):
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


class Tensors(StoreContract):
    # Arrays of one element, which have one truth: the kit compares with ==.
    values = (np.array([1.5]), np.array(2), np.array([[3]], "i2"), np.array([True]), np.array([5], "u1"))
    keys = ("layer.0.weight", "a/b", "", "..", "é *[1]!")


class TestSafetensorsInMemoryStore(Tensors):
    def make(self, path):
        return SafetensorsInMemoryStore(framework="np")


class TestSafetensorsLmdbStore(Tensors):
    def make(self, path):
        return SafetensorsLmdbStore(path / "data", framework="np", durability="process")

    def peek(self, store, key):
        stored = store.raw.get(key)
        return MISSING if stored is None else safetensors.numpy.load(stored)["tensor"]


class TestZeroCopyLmdbStore(Tensors):
    def make(self, path):
        return SafetensorsLmdbStore(path / "data", durability="process", copy=False)


def file_of(path, **tensors):
    SafetensorsStore.export_safetensors(tensors, path)
    return path


# -- the specification ---------------------------------------------------------------------------------------------


def test_snippets_of_the_section(tmp_path, monkeypatch):
    """The specification's snippets run as they are written, each in a directory of its own."""

    def fresh(name):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)

    fresh("one")
    data = {"weight1": np.array([1, 2, 3]), "weight2": np.array([4, 5, 6])}
    SafetensorsStore.export_safetensors(data, "tmp.db", framework=SafetensorsStore.NUMPY)
    store = SafetensorsStore.open("tmp.db", framework=SafetensorsStore.NUMPY, device="cpu")
    assert store["weight1"].tolist() == [1, 2, 3]
    with pytest.raises(ReadOnlyError):
        store["weight1"] = 1
    fresh("two")
    store = SafetensorsInMemoryStore(framework=SafetensorsStore.NUMPY)
    store["weight"] = np.array([1, 2, 3])
    safetensors_store = store.export_safetensors("path")
    assert safetensors_store["weight"].tolist() == [1, 2, 3]
    fresh("three")
    store = SafetensorsLmdbStore(path="tmp.db", framework=SafetensorsStore.NUMPY)
    store["weight"] = np.array([1, 2, 3])
    safetensors_store = store.export_safetensors("path")
    assert safetensors_store["weight"].tolist() == [1, 2, 3]
    serialized = serialize(data, framework="np")
    results = deserialize(serialized, framework="np")
    assert results.keys() == data.keys()
    assert all(python_equal(results[key], data[key]) for key in data)
    assert (SafetensorsStore.NUMPY, SafetensorsStore.TORCH, SafetensorsStore.TENSORFLOW, SafetensorsStore.FLAX) == (
        "np",
        "pt",
        "tf",
        "flax",
    )


def test_import_loads_no_framework():
    """Neither spoonbill nor the tensor stores' modules import a framework or the library before they are used."""
    code = (
        "import sys, spoonbill, spoonbill.layers, spoonbill.codecs, spoonbill.datastores.tensors.tensor_store\n"
        "print([name for name in ('numpy', 'torch', 'jax', 'tensorflow', 'safetensors') if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


# -- the format ----------------------------------------------------------------------------------------------------

LAYOUTS = {
    "plain": GRID,
    "fortran": np.asfortranarray(GRID),
    "transposed": GRID.T,
    "strided": GRID[::2, 1::2],
    "reversed": GRID[::-1, ::-1],
    "broadcast": np.broadcast_to(GRID[0], (5, 6)),
    "scalar": np.array(7.5),
    "empty": np.zeros((0, 3), "i4"),
    "empty middle": np.zeros((2, 0, 3)),
    "one column": GRID[:, :1],
    "bool": GRID > 5,
    "half": GRID.astype("f2"),
    "unaligned": np.frombuffer(b"\0" + GRID.tobytes(), "u1")[1:].view("f4"),
    "bfloat16": GRID.astype(ml_dtypes.bfloat16),
    "float8": GRID.astype(ml_dtypes.float8_e4m3fn).T,
    "long long": np.arange(3, dtype=np.longlong),
    'é"\\\n': np.array([1], "u8"),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_layout_comes_back_by_every_way(name, tmp_path):
    """Whatever the order of its memory, an array is written in C order, which the library reads back equal."""
    array = LAYOUTS[name]
    expected = np.array(array, order="C")
    file = file_of(tmp_path / "f", **{"before": np.zeros(3, "u1"), name: array})
    assert python_equal(SafetensorsStore.open(file)[name], expected)
    assert python_equal(SafetensorsStore.open(file, copy=False)[name], expected)
    assert python_equal(deserialize(serialize({name: array}))[name], expected)
    for store in (SafetensorsInMemoryStore(), SafetensorsLmdbStore(tmp_path / "d", durability="process")):
        store["x"] = array
        store["y"] = {name: array}
        assert python_equal(store["x"], expected)
        assert python_equal(store["y"][name], expected)
        assert python_equal(store.export_safetensors(tmp_path / "e")["x"], expected)
    if array.dtype.kind != "V":  # the library's numpy side knows no bfloat16
        assert python_equal(safetensors.numpy.load_file(file)[name], expected)
        assert python_equal(safetensors.numpy.load_file(tmp_path / "e")["x"], expected)


def test_what_we_write_is_what_the_library_writes():
    """For arrays in C order the bytes are the library's own, so that its other readers see nothing new."""
    data = {name: np.array(array, order="C") for name, array in LAYOUTS.items() if array.dtype.kind != "V"}
    assert serialize(data) == safetensors.numpy.save(data)
    assert serialize(data, metadata={"format": "np"}) == safetensors.numpy.save(data, {"format": "np"})
    assert serialize({}) == safetensors.numpy.save({})


def test_big_endian_is_swapped():
    """A big-endian array comes back little-endian with equal values, read by the library too."""
    big = GRID.astype(">f4").T
    assert np.array_equal(safetensors.numpy.load(serialize({"a": big}))["a"], big)
    assert np.array_equal(deserialize(serialize({"a": big}))["a"], big)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (np.array([1j]), "complex.*real"),
        (np.array(["text"]), "no dtype for <U4"),
        (np.array([None]), "no dtype for object"),
        (np.array([1], "M8[s]"), "no dtype"),
        (np.zeros(2, "i4,f4"), "no dtype"),
        (np.longdouble([1]), "no dtype"),
        (np.array([1]).astype(ml_dtypes.int4), "no dtype for int4"),
        (np.ma.masked_array([1], [True]), "MaskedArray"),
        (np.float32(1), "float32.*asarray"),
        ([1, 2], "list.*asarray"),
        (None, "NoneType"),
        ({"a": {"b": GRID}}, "tensor 'a'.*dict"),
        ({1: GRID}, "name of a tensor is a str"),
        ({"\ud800": GRID}, "no valid text"),
    ],
)
def test_what_the_format_cannot_hold_is_refused_and_nothing_written(value, reason, tmp_path):
    """Each kind of value without a faithful form is a CodecError that names the key and the reason."""
    store = SafetensorsLmdbStore(tmp_path / "d", durability="process")
    with pytest.raises(CodecError, match=reason) as caught:
        store["the key"] = value
    assert "the key" in str(caught.value)
    assert len(store) == 0
    with pytest.raises(CodecError, match=reason):
        SafetensorsStore.export_safetensors({"the key": value}, tmp_path / "f")
    assert [path.name for path in tmp_path.iterdir()] == ["d"]


def test_what_comes_back_is_ones_own(tmp_path):
    """A loaded array is writable, and writing to it changes neither the store nor the next read."""
    file = file_of(tmp_path / "f", a=GRID)
    memory = SafetensorsInMemoryStore.from_dict({"a": GRID})
    lmdb = SafetensorsLmdbStore.from_dict({"a": GRID}, tmp_path / "d", durability="process")
    for store in (SafetensorsStore(file), memory, lmdb):
        store["a"][:] = 0
        next(iter(store.values()))[:] = 0
        assert python_equal(store["a"], GRID)
    for store in (
        SafetensorsStore(file, copy=False),
        SafetensorsInMemoryStore(copy=False),
        SafetensorsLmdbStore(tmp_path / "d", durability="process", copy=False),
    ):
        if "a" not in store:
            store["a"] = GRID
        with pytest.raises(ValueError, match="read-only"):
            store["a"][0] = 1


# -- files that lie ------------------------------------------------------------------------------------------------


def forged(header, data=b"", length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + data


def entry(dtype="F32", shape=(2,), start=0, end=8):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [start, end]}


HOSTILE = {
    "empty": (b"", "truncated"),
    "short": (b"\x01\x02", "truncated"),
    "a huge length": (forged({}, length=2**63), "claims 9223372036854775808 bytes"),
    "a length past the end": (forged({}, length=1000), "truncated"),
    "no JSON": (forged(b"{nonsense}"), "no valid JSON"),
    "no UTF-8": (forged(b'{"\xff": 1}'), "no valid JSON"),
    "a list": (forged(b"[]"), "does not begin with"),
    "deep nesting": (forged(b'{"a":' + b"[" * 100_000), "no valid JSON"),
    "a name twice": (forged(b'{"a":' + b'{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"a":1}'), "twice"),
    "overlapping": (forged({"a": entry(), "b": entry(start=4, end=12)}, bytes(12)), "overlaps"),
    "a hole": (forged({"a": entry(), "b": entry(start=12, end=20)}, bytes(20)), "hole"),
    "data cut off": (forged({"a": entry()}, bytes(7)), "truncated"),
    "data left over": (forged({"a": entry()}, bytes(9)), "belong to no tensor"),
    "an unknown dtype": (forged({"a": entry("F33")}, bytes(8)), "F33"),
    "a dtype of the wrong width": (forged({"a": entry("F64")}, bytes(8)), "does not fit"),
    "a dtype that is no text": (forged({"a": entry(["F32"])}, bytes(8)), "does not know"),
    "a negative side": (forged({"a": entry(shape=(-2,))}, bytes(8)), "no list of lengths"),
    "a side that is no int": (forged({"a": entry(shape=(2.0,))}, bytes(8)), "no list of lengths"),
    "a true side": (forged({"a": entry("U8", shape=(True,), end=1)}, bytes(1)), "no list of lengths"),
    "a side beyond all memory": (forged({"a": entry(shape=(2**70, 0), end=0)}), "no list of lengths"),
    "sides that overflow": (forged({"a": entry(shape=(2**40, 2**40), end=8)}, bytes(8)), "does not fit"),
    "offsets backwards": (forged({"a": entry(start=8, end=0)}, bytes(8)), "no begin and end"),
    "negative offsets": (forged({"a": entry(start=-8, end=0)}, bytes(8)), "no begin and end"),
    "offsets missing": (forged({"a": {"dtype": "F32", "shape": [2]}}, bytes(8)), "not described"),
    "an entry that is none": (forged({"a": 5}), "not described"),
    "metadata that is no text": (forged({"__metadata__": {"a": 1}}), "metadata"),
    "no metadata at all": (forged({"__metadata__": [1]}), "metadata"),
    "a pickle": (pickle.dumps({"a": GRID}), "claims|begin"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_headers_are_refused(name, tmp_path):
    """A truncated, corrupted or forged file raises a CodecError that says why, before anything is allocated."""
    data, reason = HOSTILE[name]
    (tmp_path / "f").write_bytes(data)
    fsspec.filesystem("memory").pipe_file("/hostile", data)
    for opening in (
        lambda: SafetensorsStore.open(tmp_path / "f"),
        lambda: SafetensorsStore.open("memory://hostile"),
        lambda: deserialize(data),
        lambda: Safetensors("np").loads(data),
    ):
        with pytest.raises(CodecError, match=reason):
            opening()


def test_every_truncation_and_every_changed_header_byte_is_found_or_harmless(tmp_path):
    """No cut and no changed byte of a header gives another error than ours, or a tensor outside of the file."""
    whole = serialize({"a": GRID, "b": np.arange(3)}, metadata={"k": "v"})
    for cut in range(len(whole)):
        with pytest.raises(CodecError):
            deserialize(whole[:cut])
    for position in range(len(whole) - GRID.nbytes - 24):
        for flip in (1, 0x20, 0x80):
            changed = bytearray(whole)
            changed[position] ^= flip
            try:
                assert len(deserialize(changed)) <= 2
            except CodecError:
                pass


def test_a_bool_that_is_none_is_refused(tmp_path):
    """Bytes other than 0 and 1 make no bool: numpy would compute nonsense with them."""
    data = forged({"a": entry("BOOL", (2,), 0, 2)}, b"\x01\x07")
    with pytest.raises(CodecError, match="BOOL"):
        deserialize(data)
    (tmp_path / "f").write_bytes(data)
    store = SafetensorsStore.open(tmp_path / "f")
    with pytest.raises(CodecError, match=r"'a'.*BOOL"):
        store["a"]


def test_dtypes_that_numpy_lacks_are_named(tmp_path):
    """A file may hold what this framework has no dtype for: the rest is read, and that is refused by name."""
    (tmp_path / "f").write_bytes(forged({"a": entry("F4", (4,), 0, 2), "b": entry("U8", (1,), 2, 3)}, b"\x12\x34\x07"))
    store = SafetensorsStore.open(tmp_path / "f")
    assert store["b"].tolist() == [7]
    assert store.info("a").dtype == "F4"
    with pytest.raises(CodecError, match="F4"):
        store["a"]


# -- the file store ------------------------------------------------------------------------------------------------


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


# -- shards --------------------------------------------------------------------------------------------------------


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


# -- the mutable stores and their export ---------------------------------------------------------------------------


def test_lmdb_holds_safetensors_files(tmp_path):
    """Each stored value is a safetensors file that the library itself loads, found by the raw client."""
    import lmdb

    with SafetensorsLmdbStore(tmp_path / "d", durability="process") as store:
        store["one"] = GRID.T
        store["layer"] = {"weight": GRID, "bias": np.array(1)}
        assert store.info("one").shape == (6, 4)
        assert {part: info.dtype for part, info in store.info("layer").items()} == {"weight": "F32", "bias": "I64"}
        with pytest.raises(KeyError):
            store.info("none")
    with lmdb.open(str(tmp_path / "d")) as env, env.begin() as txn:
        assert python_equal(safetensors.numpy.load(txn.get(b"one"))["tensor"], np.array(GRID.T, order="C"))
        assert safetensors.numpy.load(txn.get(b"layer")).keys() == {"weight", "bias"}


def test_keys_are_names(tmp_path):
    """A key is a str that can name a tensor of a file; anything else is refused when it is set."""
    store = SafetensorsInMemoryStore()
    for key in (1, None, ("a",), b"a"):
        with pytest.raises(InvalidKeyError):
            store[key] = GRID
    with pytest.raises(InvalidKeyError, match="__metadata__"):
        store["__metadata__"] = GRID
    with pytest.raises(CodecError, match="__metadata__"):
        store["layer"] = {"__metadata__": GRID}
    with pytest.raises(CodecError, match="__metadata__"):
        serialize({"__metadata__": GRID})
    assert len(store) == 0


@pytest.mark.parametrize("kind", ["memory", "lmdb", "cached"])
def test_export(kind, tmp_path):
    """An export holds every tensor, dicts under dotted names, and the library loads what was put in."""
    pairs = {"w": GRID, "layer": {"weight": GRID.T, "bias": np.array(2)}, "none": {}, "b": GRID > 3}
    if kind == "lmdb":
        store = SafetensorsLmdbStore.from_dict(pairs, tmp_path / "d", durability="process")
    else:
        store = SafetensorsInMemoryStore.from_dict(pairs)
    if kind == "cached":
        SafetensorsExport(Cached(store)).export_safetensors(tmp_path / "f", {"k": "v"})
    else:
        assert store.export_safetensors(tmp_path / "f", {"k": "v"}).metadata == {"k": "v"}
    loaded = safetensors.numpy.load_file(tmp_path / "f")
    assert loaded.keys() == {"w", "layer.weight", "layer.bias", "b"}
    assert python_equal(loaded["w"], GRID)
    assert python_equal(loaded["layer.weight"], np.array(GRID.T, order="C"))
    with safe_open(tmp_path / "f", "np") as opened:
        assert opened.metadata() == {"k": "v"}
    assert sorted(path.name for path in tmp_path.iterdir()) == (["d", "f"] if kind == "lmdb" else ["f"])


def test_an_export_that_fails_leaves_what_was_there(tmp_path):
    """A clash of names, a foreign value, a change meanwhile and a missing directory: the old file stays, alone."""
    file = file_of(tmp_path / "f", old=GRID)
    before = file.read_bytes()
    with pytest.raises(CodecError, match=r"'a\.b'"):
        SafetensorsInMemoryStore.from_dict({"a": {"b": GRID}, "a.b": GRID}).export_safetensors(file)
    with pytest.raises(CodecError, match="'text'"):
        SafetensorsExport(InMemoryStore({"a": GRID, "text": "x"})).export_safetensors(file)
    with pytest.raises(CodecError, match="name of a tensor"):
        SafetensorsExport(InMemoryStore({1: GRID})).export_safetensors(file)
    with pytest.raises(CodecError, match="metadata"):
        SafetensorsInMemoryStore.from_dict({"a": GRID}).export_safetensors(file, {"a": 1})

    class Restless(InMemoryStore):
        reads = 0

        def __getitem__(self, key):
            Restless.reads += 1
            return GRID[: Restless.reads]

    with pytest.raises(StoreError, match="changed while"):
        SafetensorsExport(Restless({"a": GRID})).export_safetensors(file)
    with pytest.raises(StoreError, match="directory exists"):
        SafetensorsStore.export_safetensors({"a": GRID}, tmp_path / "no" / "f")
    assert file.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["f"]


def test_the_librarys_word_counts(tmp_path, monkeypatch):
    """What the installed library would refuse is not exported, and its reason is passed on."""
    monkeypatch.setattr("spoonbill.codecs.safetensors.writer.build_header", lambda *_: (b"\x02" + bytes(7) + b"[]", []))
    with pytest.raises(CodecError, match="library refuses"):
        SafetensorsStore.export_safetensors({"a": GRID}, tmp_path / "f")
    assert not list(tmp_path.iterdir())


def test_an_exported_file_has_plain_permissions(tmp_path):
    """Who may read a new file is for the umask to say, not for a temporary file's 0600."""
    os.umask(old := os.umask(0o022))
    assert file_of(tmp_path / "f", a=GRID).stat().st_mode & 0o777 == 0o666 & ~old


EXPORT = """
import ctypes, os, sys, threading
import numpy, safetensors
from spoonbill.datastores import SafetensorsLmdbStore

store = SafetensorsLmdbStore(sys.argv[1], durability="process")
SafetensorsLmdbStore.from_dict({"a": numpy.zeros(9)}, sys.argv[1] + "w").export_safetensors(sys.argv[1] + ".w")

def status(field):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith(field))

with open("/proc/self/clear_refs", "w") as file:
    file.write("5")  # the peak begins anew
before = status("VmRSS")
store.export_safetensors(sys.argv[1] + ".st")
print(status("VmHWM") - before)
"""


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="asks Linux for the peak of the memory")
def test_export_holds_one_tensor_at_a_time(tmp_path):
    """An export of 128 MB in tensors of 8 MB grows the memory, mapped pages included, by less than two of them."""
    with SafetensorsLmdbStore(tmp_path / "d", durability="process") as store:
        for number in range(16):
            store[f"{number}"] = np.full(1 << 20, number, "f8")
    command = [sys.executable, "-c", EXPORT, str(tmp_path / "d")]
    grown = int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert grown < 2 * (8 << 20)
    assert SafetensorsStore.open(tmp_path / "d.st")["7"][-1] == 7


def test_a_large_update_is_one_transaction(tmp_path):
    """A batch of many tensors is written as it is read, and where one fails nothing of it is left."""
    store = SafetensorsLmdbStore(tmp_path / "d", durability="process")
    encoded = []

    def pairs(stop):
        for number in range(100):
            encoded.append(number)
            yield f"{number}", GRID if number < stop else "no tensor"

    puts = iter(pairs(50))
    with pytest.raises(CodecError, match="'50'"):
        store.update(puts)
    assert len(store) == 0
    assert encoded[-1] == 50
    store.update(pairs(100))
    assert len(store) == 100


def test_snapshots(tmp_path):
    """What a tensor store saves, any store loads: arrays as arrays, and what only ml_dtypes has as a file's bytes."""
    half = GRID.astype(ml_dtypes.bfloat16)
    store = SafetensorsInMemoryStore.from_dict({"a": GRID, "half": half, "layer": {"w": GRID}})
    store.save(tmp_path / "s")
    plain = InMemoryStore.open(tmp_path / "s")
    assert python_equal(plain["a"], GRID)
    assert python_equal(deserialize(plain["half"])["tensor"], half)
    lmdb = SafetensorsLmdbStore.from_dict({"old": GRID}, tmp_path / "d", durability="process")
    lmdb.load(tmp_path / "s")
    assert lmdb.keys() == {"a", "half", "layer"}
    assert python_equal(lmdb["half"], half)
    assert python_equal(lmdb["layer"]["w"], GRID)
    opened = SafetensorsStore.load(tmp_path / "s", tmp_path / "f")
    assert python_equal(opened["layer.w"], GRID)
    opened.save(tmp_path / "t")
    assert InMemoryStore.open(tmp_path / "t").keys() == {"a", "half", "layer.w"}
    InMemoryStore({"a": "text"}).save(tmp_path / "u")
    with pytest.raises(CodecError):
        lmdb.load(tmp_path / "u")
    assert len(lmdb) == 3


# -- memory that LMDB lends ----------------------------------------------------------------------------------------


def test_lent_arrays_keep_their_snapshot(tmp_path):
    """A zero-copy array stays what it was through overwrites, deletes, a close, and the end of its store."""
    store = SafetensorsLmdbStore(tmp_path / "d", durability="process", copy=False)
    big = np.arange(50_000.0)
    store.update({f"{number}": big + number for number in range(20)})
    held = store["3"]
    assert not held.flags.owndata
    assert not held.flags.writeable
    for number in range(20):
        store[f"{number}"] = big - number
    del store["3"]
    for number in range(100):
        store[f"new {number}"] = big
    assert python_equal(held, big + 3)
    store.close()
    del store
    assert python_equal(held, big + 3)


def test_lent_arrays_let_go(tmp_path):
    """The snapshot ends with its last array: no reader is left in LMDB's table, and many arrays need but one."""
    store = SafetensorsLmdbStore(tmp_path / "d", durability="process", copy=False)
    store.update({f"{number}": np.arange(1000) for number in range(300)})
    environment = store.raw._shared
    held = [store[f"{number}"] for number in range(300)]
    assert len(environment.live) == 1
    assert environment.env.readers().count("\n") == 2
    del held
    assert not environment.live


def test_more_states_than_readers(tmp_path):
    """When LMDB's table of readers is full, an array is copied instead: it is right, only not free."""
    store = SafetensorsLmdbStore(tmp_path / "d", durability="process", copy=False, max_readers=4)
    held = []
    for number in range(10):
        store["a"] = np.full(1000, number)
        held.append(store["a"] if len(held) < 3 else np.array(number))
    assert [array.flat[0] for array in held] == list(range(10))


def test_a_child_does_not_end_its_parents_snapshot(tmp_path):
    """After a fork, a child that lets an array go frees no page that the parent still looks at."""
    store = SafetensorsLmdbStore(tmp_path / "d", durability="process", copy=False)
    store["a"] = np.arange(50_000.0)
    held = store["a"]
    pid = os.fork()
    if pid == 0:
        right = python_equal(held, np.arange(50_000.0))
        del held
        os._exit(0 if right else 1)
    assert os.waitpid(pid, 0)[1] == 0
    for number in range(50):
        store["a"] = np.full(50_000, float(number))
    assert python_equal(held, np.arange(50_000.0))


def test_a_value_that_is_no_tensor_is_named(tmp_path):
    """Bytes that another program put there raise a CodecError with the key, read, described or exported."""
    store = SafetensorsLmdbStore(tmp_path / "d", durability="process")
    store.raw["bad"] = b"no tensor"
    for use in (
        lambda: store["bad"],
        lambda: list(store.values()),
        lambda: store.info("bad"),
        lambda: store.export_safetensors(tmp_path / "f"),
    ):
        with pytest.raises(CodecError, match="bad"):
            use()
    assert not (tmp_path / "f").exists()
