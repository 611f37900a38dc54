"""The tensor stores with jax and tensorflow, where they are installed."""

import warnings

import ml_dtypes
import numpy as np
import pytest
import safetensors.numpy

from spoonbill.datastores import SafetensorsInMemoryStore, SafetensorsLmdbStore, SafetensorsStore
from spoonbill.datastores.safetensors import deserialize, serialize
from spoonbill.errors import CodecError, UnsupportedError

GRID = np.arange(24, dtype="f4").reshape(4, 6)
ARRAYS = {
    "plain": GRID,
    "scalar": np.array(1.5, "f4"),
    "empty": GRID[:0],
    "bool": GRID > 3,
    "int": GRID.astype("i4"),
    "half": GRID.astype("f2"),
    "bfloat16": GRID.astype(ml_dtypes.bfloat16),
    "float8": GRID.astype(ml_dtypes.float8_e5m2),
}


@pytest.fixture(params=["flax", "tf"])
def framework(request):
    """Give the name of a framework and a function that makes its tensors of numpy's arrays."""
    name = {"flax": "jax.numpy", "tf": "tensorflow"}[request.param]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what they say of themselves while they are imported
        module = pytest.importorskip(name)
    return request.param, module.asarray if request.param == "flax" else module.convert_to_tensor


def python_equal(tensor, array):
    found = np.asarray(tensor)
    return found.dtype == array.dtype and found.shape == array.shape and found.tobytes() == array.tobytes()


def test_round_trips(framework, tmp_path):
    """Each array comes back as the framework's own, equal to the bit, by every way; the library loads the file."""
    name, make = framework
    data = {key: make(array) for key, array in ARRAYS.items()}
    SafetensorsStore.export_safetensors(data, tmp_path / "f", name)
    memory = SafetensorsInMemoryStore.from_dict(data, name)
    lmdb = SafetensorsLmdbStore.from_dict(data, tmp_path / "d", name, durability="process")
    exported = lmdb.export_safetensors(tmp_path / "e")
    opened = SafetensorsStore(tmp_path / "f", name)
    for source in (opened, memory, lmdb, exported, deserialize(serialize(data, name), name)):
        for key, array in ARRAYS.items():
            assert type(source[key]) is type(data[key])
            assert python_equal(source[key], array)
    plain = {key: data[key] for key in ("plain", "bool")}
    assert all(
        python_equal(value, ARRAYS[key]) for key, value in safetensors.numpy.load(serialize(plain, name)).items()
    )
    assert python_equal(exported.get_slice("bfloat16", np.s_[1:3, ::2]), np.array(ARRAYS["bfloat16"][1:3, ::2]))
    memory.save(tmp_path / "s")
    memory.load(tmp_path / "s")
    assert python_equal(memory["half"], ARRAYS["half"])


def test_refusals(framework, tmp_path):
    """Foreign values are refused with the reason, and so are views that these frameworks cannot have."""
    name, _ = framework
    store = SafetensorsInMemoryStore(name)
    for value, reason in ((GRID, "ndarray"), (5, "int")):
        with pytest.raises(CodecError, match=reason):
            store["a"] = value
    assert len(store) == 0
    SafetensorsStore.export_safetensors({"a": GRID}, tmp_path / "f")
    for opening, path in ((SafetensorsStore, "f"), (SafetensorsLmdbStore, "d")):
        with pytest.raises(UnsupportedError, match="copy=False"):
            opening(tmp_path / path, name, copy=False)


def test_jax_narrows_nothing(tmp_path):
    """Without 64 bits in jax, an int64 tensor is refused instead of cut to 32."""
    jax = pytest.importorskip("jax")
    SafetensorsStore.export_safetensors({"a": np.array([2**40])}, tmp_path / "f")
    store = SafetensorsStore.open(tmp_path / "f", SafetensorsStore.FLAX)
    with pytest.raises(CodecError, match="jax_enable_x64"):
        store["a"]
    with pytest.raises(CodecError, match="random key"):
        serialize({"a": jax.random.key(0)}, "flax")
    with jax.enable_x64(True):
        assert store["a"].tolist() == [2**40]
    with pytest.raises(UnsupportedError, match="no device"):
        SafetensorsStore.open(tmp_path / "f", "flax", device="nothing")


def test_tensorflow_variables_and_graphs():
    """A variable is stored as its numbers, and a tensor of a graph, which has none, is refused."""
    tf = pytest.importorskip("tensorflow")
    store = SafetensorsInMemoryStore("tf")
    store["a"] = tf.Variable(GRID)
    assert python_equal(store["a"], GRID)

    @tf.function
    def trace(tensor):
        with pytest.raises(CodecError, match="eager"):
            store["b"] = tensor
        return tensor

    trace(tf.constant(1.0))
    with pytest.raises(CodecError, match="no dtype"):
        store["c"] = tf.constant(["text"])
