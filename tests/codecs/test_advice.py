"""What a strict store says of a value that it does not hold: advice by type, which can be followed."""

import collections
import dataclasses
import enum
import io
import pathlib

import numpy as np
import pytest
import torch

from spoonbill.codecs import get_codec
from spoonbill.common.advice import advice_for
from spoonbill.datastores import InMemoryStore, LmdbStore, MongoDBStore, RedisStore, SafetensorsInMemoryStore
from spoonbill.errors import CodecError


@dataclasses.dataclass
class Row:
    x: int


class Colour(enum.Enum):
    RED = 1


class Numbers(list):
    pass


def of(module, name):
    """Return an instance of a class that looks like one of a package that is not installed here."""
    return type(name, (), {"__module__": module})()


VALUES = [
    (Row(1), "dataclasses.asdict"),
    (pathlib.Path("a"), "str"),
    (torch.ones(2), "tensor.numpy"),
    (of("pandas.core.frame", "DataFrame"), "to_parquet"),
    (of("polars.dataframe.frame", "DataFrame"), "to_dict"),
    (type("User", (type(of("pydantic.main", "BaseModel")),), {})(), "model_dump"),
    (of("PIL.Image", "Image"), "image.save"),
    (Colour.RED, "register_enum"),
    (Numbers([1]), "list(value)"),
    (collections.namedtuple("P", "x")(1), "tuple(value)"),
    (len, "its name"),
    (io.BytesIO(), "bytes"),
]


@pytest.mark.parametrize(
    ("value", "advice"), VALUES, ids=lambda one: one if isinstance(one, str) else type(one).__name__
)
def test_advice_fits_the_type(value, advice, tmp_path):
    """The error tells how such a value becomes one that is held, in every codec that refuses it."""
    assert advice in advice_for(value)
    with pytest.raises(CodecError) as caught:
        LmdbStore(tmp_path / "x")["a"] = value
    assert advice in str(caught.value)


def test_advice_can_be_followed():
    """What the advice makes of a value is held."""
    codec = get_codec("msgpack")
    for made in (dataclasses.asdict(Row(1)), str(pathlib.Path("a")), list(Numbers([1]))):
        assert codec.loads(codec.dumps(made)) == made
    array = torch.ones(2).numpy(force=True)
    assert np.array_equal(codec.loads(codec.dumps(array)), array)


def test_no_advice_makes_stored_data_unreadable():
    """Where strict=False writes and reads another format, the advice is a store of its own and not that option."""
    for store in (RedisStore("redis://127.0.0.1:9"), MongoDBStore("mongodb://127.0.0.1:9")):
        with pytest.raises(CodecError, match=r"apart|own") as caught:
            store["a"] = object()
        assert "or open the store with strict=False" not in str(caught.value)


def test_a_tensor_of_torch_for_numpy():
    """A store of numpy arrays sends a tensor to the framework that holds it."""
    with pytest.raises(CodecError, match="framework='pt'"):
        SafetensorsInMemoryStore(framework="np")["a"] = torch.ones(1, dtype=torch.bfloat16)


def test_types_of_bson_travel(tmp_path):
    """An ObjectId, as a key and as a value of MongoDB, is held by the codec, and so by snapshots."""
    import bson

    codec = get_codec("msgpack")
    name = bson.ObjectId()
    for value in (name, [name, {"a": name}], bson.Decimal128("1.5"), bson.Timestamp(1, 2), bson.MinKey()):
        assert codec.loads(codec.dumps(value)) == value
    with pytest.raises(CodecError):
        codec.loads(codec.dumps(name)[:-1] + b"x")  # a document of BSON ends with a NUL
    memory = InMemoryStore({name: {"of": name}})
    memory.save(tmp_path / "s.snapshot")
    assert dict(InMemoryStore.open(tmp_path / "s.snapshot")) == {name: {"of": name}}
