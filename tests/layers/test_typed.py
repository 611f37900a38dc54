"""Values as objects of one class."""

import dataclasses
import pickle
import subprocess
import sys
from datetime import UTC, datetime
from typing import TypedDict

import attrs
import msgspec
import pydantic
import pytest

from spoonbill import Cached, Codec, Typed, eq, gt
from spoonbill.backends import Lmdb, Memory
from spoonbill.datastores import FilesystemStore, InMemoryStore, LmdbStore
from spoonbill.errors import CodecError, StackError, UnsupportedError
from spoonbill.testing import StoreContract

WHEN = datetime(2026, 1, 2, tzinfo=UTC)


class Place(pydantic.BaseModel):
    lat: float = 0.0


class PydanticUser(pydantic.BaseModel):
    name: str
    born: int = 1900
    seen: datetime = WHEN
    tags: list[str] = []
    place: Place = Place()


@dataclasses.dataclass
class DataUser:
    name: str
    born: int = 1900
    seen: datetime = WHEN
    tags: list[str] = dataclasses.field(default_factory=list)


@attrs.define
class AttrsUser:
    name: str
    born: int = attrs.field(default=1900, validator=attrs.validators.lt(3000))
    seen: datetime = WHEN
    tags: list[str] = attrs.field(factory=list)


class StructUser(msgspec.Struct):
    name: str
    born: int = 1900
    seen: datetime = WHEN
    tags: list[str] = []


class DictUser(TypedDict):
    name: str
    born: int


CLASSES = (PydanticUser, DataUser, AttrsUser, StructUser)


class TestTyped(StoreContract):
    values = tuple(DataUser(name=name, born=number) for number, name in enumerate(("a", "b", "", "d", "five")))
    test_threads = StoreContract.test_threads

    def make(self, path):
        return Typed(LmdbStore(path / "d"), DataUser)

    test_save_and_load = None  # a snapshot holds plain values

    def test_repr_reads_nothing_and_names_the_class(self, store):
        """The class is named, the data is not."""
        assert "DataUser" in repr(store)


@pytest.mark.parametrize("model", CLASSES)
def test_objects_come_back(model, tmp_path):
    """Of each kind of class, with nested values, over bytes and files; searches name their fields, from any layer."""
    for inner in (
        LmdbStore(tmp_path / "l"),
        FilesystemStore(tmp_path / "f"),
        InMemoryStore(),
        Codec(Memory(), "pickle"),
    ):
        store = Typed(inner, model)
        ada = model(name="Ada", born=1815, tags=["first"])
        store["ada"] = ada
        store.update(bob=model(name="Bob", born=1990), eve=model(name="Eve", born=2001))
        assert store["ada"] == ada
        assert type(store["ada"]) is model
        assert store.get_many(["bob", "none"])[0].born == 1990
        assert inner["ada"]["seen"] == WHEN
        for above in (store, Cached(store)):
            assert {key for key, _ in above.items({"born": gt(1900)})} == {"bob", "eve"}
            assert [key for key, _ in above.items({"born": gt(1900), "name": "E.*"})] == ["eve"]
        assert store.replace("ada", model(name="Ada", born=1815, tags=["first"]), model(name="Ada L."))
        assert store.modify("ada", lambda user: user).name == "Ada L."
        assert pickle.loads(pickle.dumps(store)).model is model
        assert store.pop("ada").name == "Ada L."


def test_nested_fields_are_searched():
    """A model in a model is conditions in conditions."""
    store = Typed(InMemoryStore(), PydanticUser)
    store["a"] = PydanticUser(name="a", place=Place(lat=50))
    store["b"] = PydanticUser(name="b")
    assert [key for key, _ in store.items({"place": {"lat": gt(40)}})] == ["a"]
    assert "PydanticUser" in str(store.explain(conditions={"name": eq("a")}))


def test_typed_dicts():
    """They are dicts, and validated all the same."""
    store = Typed(InMemoryStore(), DictUser)
    store["a"] = {"name": "a", "born": 1}
    assert store["a"] == {"name": "a", "born": 1}
    with pytest.raises(CodecError, match="'b'"):
        store["b"] = {"name": "a"}


@pytest.mark.parametrize("model", CLASSES)
def test_what_is_not_valid_is_refused(model):
    """Before it is written and when it is read, by key; an object of another class too."""
    plain = InMemoryStore()
    store = Typed(plain, model)
    wrong = model(name="a")
    (object.__setattr__ if model is AttrsUser else setattr)(wrong, "born", "not a number")
    for value in (wrong, {"name": "a"}, None, "a"):
        with pytest.raises(CodecError, match="'a'"):
            store["a"] = value
        with pytest.raises(CodecError):
            store.update(a=value)
    assert len(plain) == 0
    for value in ({"name": 5}, {"born": 1}, "text", {"name": "a", "born": "x"}):
        plain["a"] = value
        for read in (lambda: store["a"], lambda: store.copy(), lambda: store.pop("a")):
            with pytest.raises(CodecError, match="'a'"):
                read()
    assert "a" in plain


def test_validators_of_attrs_hold():
    """Those that the library behind does not know of."""
    store = Typed(InMemoryStore({"a": {"name": "a", "born": 5000}}), AttrsUser)
    with pytest.raises(CodecError, match="born"):
        store["a"]


@pytest.mark.parametrize("model", CLASSES)
def test_older_versions_are_migrated(model):
    """By a function that gets the version; upgrade writes them anew; a newer one is refused by name."""
    plain = InMemoryStore({"old": {"first": "Ada", "born": 1815}, "first": {"called": "Bob", "spoonbill__version": 1}})

    def migrate(data, version):
        return {"name": data.pop("first" if version == 0 else "called"), **data}

    store = Typed(plain, model, version=2, migrate=migrate)
    store["new"] = model(name="Eve")
    assert {key: user.name for key, user in store.items()} == {"old": "Ada", "first": "Bob", "new": "Eve"}
    assert plain["old"]["first"] == "Ada"
    seen = []
    assert store.upgrade(progress=seen.append) == 2
    assert seen[-1] == 3
    assert store.upgrade() == 0
    assert plain["old"]["spoonbill__version"] == 2
    assert Typed(plain, model, version=2)["old"].name == "Ada"
    for older in (Typed(plain, model, version=1, migrate=migrate), Typed(plain, model)):
        with pytest.raises(CodecError, match="version 2"):
            older["old"]


def test_what_cannot_work_is_refused(tmp_path):
    """Classes without fields, a migration to nowhere, and a store of bytes alone."""
    for wrong in (int, dict, None, "User"):
        with pytest.raises(UnsupportedError):
            Typed(InMemoryStore(), wrong)
    with pytest.raises(UnsupportedError, match="version="):
        Typed(InMemoryStore(), DataUser, migrate=lambda data, version: data)
    with pytest.raises(UnsupportedError):
        Typed(InMemoryStore(), DataUser, version=-1)
    with pytest.raises(StackError, match="Codec"):
        Typed(Lmdb(tmp_path / "d"), DataUser)
    with pytest.raises(StackError, match="other way round"):
        Codec(Typed(InMemoryStore(), DataUser))


def test_no_library_is_imported_for_a_model_of_another():
    """A program with structs alone never imports pydantic or attrs, and one without Typed none of the three."""
    program = """
import sys
from spoonbill import Typed
from spoonbill.datastores import InMemoryStore
assert not {"msgspec", "pydantic", "attrs"} & sys.modules.keys()
import msgspec
class User(msgspec.Struct):
    name: str
Typed(InMemoryStore(), User)["a"] = User("a")
assert not {"pydantic", "attrs"} & sys.modules.keys()
"""
    subprocess.run([sys.executable, "-c", program], check=True)
