"""The tensor stores with numpy: the contract, the format against the library itself, and files that lie."""

import json
import pickle
import subprocess
import sys

import fsspec
import ml_dtypes
import numpy as np
import pytest
import safetensors.numpy

from spoonbill.codecs import Safetensors
from spoonbill.common.sentinels import MISSING
from spoonbill.datastores import SafetensorsInMemoryStore, SafetensorsLmdbStore, SafetensorsStore
from spoonbill.datastores.safetensors import deserialize, serialize
from spoonbill.errors import (
    CodecError,
    InvalidKeyError,
    ReadOnlyError,
)
from spoonbill.testing import StoreContract
from tests.backends.safetensors.tensor_files import GRID, file_of, python_equal


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
