"""How a ModalStore is opened: the three call forms, names, first data; its page and its example as they are written."""

import os
import pickle
import re
import subprocess
import sys
import warnings
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from spoonbill import MetadataIndex
from spoonbill.backends import Memory
from spoonbill.backends.modal.names import index_name, legal_name
from spoonbill.datastores import ModalStore
from spoonbill.errors import StackError, UnsupportedError
from tests.layers.lookup import Lookup
from tests.servers.modal_server import calls, environment, served

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module", autouse=True)
def server():
    with served() as started:
        yield started


@pytest.fixture
def app():
    import modal

    return modal.App("tests")


def test_the_three_call_forms(app):
    """With an app (or where a stub went) and data, with the app, and by the name alone: one Dict, without a warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        stores = [
            ModalStore.open(name="forms", stub=app, data={"key": "value"}),
            ModalStore.open(name="forms", app=app),
            ModalStore.open(name="forms"),
        ]
    assert [store["key"] for store in stores] == ["value"] * 3
    stores[2]["key"] = "new"
    assert stores[0]["key"] == "new"


def test_a_stub_of_an_old_client_is_taken_with_a_note():
    """What once was a stub opens the store; anything else in its place is refused, as misplaced data would be lost."""
    stub = type("Stub", (), {})()
    with pytest.warns(DeprecationWarning, match="modal.App"):
        store = ModalStore.open(name="stubs", stub=stub)
    store["a"] = 1
    with pytest.raises(UnsupportedError, match=r"stub= takes a modal\.App, not dict"):
        ModalStore.open("stubs", {"key": "value"})
    with pytest.raises(UnsupportedError, match="app="):
        ModalStore.open("stubs", app="my-app")


def test_first_data_sets_nothing_back():
    """Entries are added where they are absent: what was written since stays, as does what is not in the data."""
    ModalStore.open("first", data={"a": 1, ("b", 2): 2})
    store = ModalStore.open("first")
    store["a"] = 10
    del store[("b", 2)]
    store["own"] = 3
    ModalStore.open("first", data={"a": 1, ("b", 2): 2})
    assert dict(store) == {"a": 10, ("b", 2): 2, "own": 3}
    indexed = ModalStore.open("first-indexed", data={n: n for n in range(40)}, index=True)
    assert set(indexed) == set(range(40))


def test_what_pickles(server, app):
    """A store comes back as its configuration, without the app and the data, and adds nothing again."""
    store = ModalStore("pickled", None, app, {"a": 1}, index=True, strict=False, timeout=30)
    del store["a"]
    copy = pickle.loads(pickle.dumps(store))
    assert repr(copy) == "ModalStore('pickled', index=True, strict=False, timeout=30)"
    assert "a" not in copy
    copy[("b", 1)] = 2
    assert list(store) == [("b", 1)]


def test_kinds_of_index(server):
    """By "auto" and False the listing is modal's own; True is a second Dict; a store is the index itself."""
    for index in ("auto", False):
        assert not isinstance(ModalStore("kinds", index=index).raw, MetadataIndex)
    memory = Memory()
    store = ModalStore("kinds", index=memory)
    store["a"] = 1
    assert list(memory) == ["a"]
    calls(server)
    assert list(store) == ["a"]
    assert calls(server) == {}
    with pytest.raises(StackError):
        ModalStore("kinds", index=Lookup())
    second = ModalStore("kinds", index=True)
    assert second.raw.rebuild() == 1
    assert list(second) == ["a"]


SHAPED = st.from_regex(r"[ab]{0,3}\.[0-9a-f]{16}", fullmatch=True)
NAME = st.text(max_size=70) | st.text("ab-_.0f ", max_size=70) | SHAPED


@given(NAME, NAME)
@settings(max_examples=500, deadline=None)
def test_names_are_legal_and_never_one(one, two):
    """Any two names become two names that modal takes, and none becomes the name of another's index."""
    from modal._utils.name_utils import check_object_name

    made = [legal_name(one), legal_name(two), index_name(one), index_name(two), legal_name(legal_name(one) + "x")]
    for name in made:
        check_object_name(name, "Dict")
        assert "\n" not in name
    assert (made[0] == made[1]) == (made[2] == made[3]) == (one == two)
    assert not {legal_name(one), legal_name(two)} & {index_name(one), index_name(two)}
    assert legal_name(index_name(one)) != index_name(one)


def test_names_by_hand():
    """A legal name is itself; a legal name of the shape of ours is hashed; an app's id is none."""
    assert legal_name("my-data_1.2") == "my-data_1.2"
    assert re.fullmatch(r"my-data\.[0-9a-f]{16}", legal_name("my data"))
    ours = legal_name("my data")
    assert legal_name(ours) != ours
    assert legal_name("ap-" + "a" * 22) != "ap-" + "a" * 22
    assert legal_name("data\n") != "data\n"
    assert legal_name("").startswith("dict.")
    assert index_name("data").startswith("data.index.")


def test_awkward_names_are_stores_of_their_own():
    """Stores with names that Modal does not take, or that look like ours, hold what was put into each."""
    names = ["my data", "my-data", "my/data", "", "a" * 65, "a" * 64, legal_name("my data"), index_name("my-data")]
    for name in names:
        ModalStore(name, index=True)["name"] = name
    assert [ModalStore(name)["name"] for name in names] == names


def test_the_page_runs():
    """Each Python block of the page runs against the test server."""
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs/stores/modal.md").read_text(), re.DOTALL)
    assert blocks
    names = {"__name__": "page"}
    for block in blocks:
        exec(compile(block, "modal.md", "exec"), names)


def test_the_example_runs(server):
    """The program with its run of an app: functions in processes of their own share the cache by its name."""
    done = subprocess.run(
        [sys.executable, ROOT / "examples/modal_cache.py"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment(server.port), "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    assert "12: computed [1, 2, 3, 4, 6, 12]" in done.stdout
    assert "12: cached [1, 2, 3, 4, 6, 12]" in done.stdout
    assert "hello from outside" in done.stdout
    assert set(ModalStore("spoonbill-cache")) == {"greeting", "divisors:12", "divisors:97"}
