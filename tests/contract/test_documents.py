"""The README's snippets and the specification's, as they are written."""

import re
from collections import Counter, OrderedDict, defaultdict
from pathlib import Path

import pytest
from test import mapping_tests

from spoonbill.datastores import FilesystemStore, InMemoryStore, LmdbStore, PysosStore, ShelveStore

README = Path(__file__).parents[2] / "README.md"
BLOCKS = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_readme_snippets_run(number, tmp_path, monkeypatch):
    """Each Python block of the README runs from top to bottom, and what it asserts holds."""
    assert "assert " in BLOCKS[0]
    monkeypatch.chdir(tmp_path)
    exec(compile(BLOCKS[number], f"README block {number}", "exec"), {"__name__": "readme"})


def test_snippets_of_the_embedded_stores(tmp_path, monkeypatch):
    """The specification's openings work as written."""
    monkeypatch.chdir(tmp_path)
    InMemoryStore.open()
    assert InMemoryStore(defaultdict) == InMemoryStore(OrderedDict) == InMemoryStore(Counter) == {}
    for kind in (LmdbStore, PysosStore, ShelveStore):
        folder = tmp_path / kind.__name__
        folder.mkdir()
        monkeypatch.chdir(folder)
        with kind.open("tmp.db") as store:
            store["a"] = 1
            assert store["a"] == 1
    store = FilesystemStore.open("memory://bucket/path/to/store")
    store["a"] = 1
    assert dict(store) == {"a": 1}


def test_a_defaultdict_inserts_nothing_and_a_counter_adds_nothing():
    """Reading a defaultdict inserts no key, and updating a Counter replaces."""
    store = InMemoryStore(defaultdict(list))
    with pytest.raises(KeyError):
        store["a"]
    assert "a" not in store.mapping
    counter = InMemoryStore(Counter(a=1))
    counter.update({"a": 5})
    assert counter["a"] == 5


class TestMemoryIsAMapping(mapping_tests.BasicTestMappingProtocol):
    """The standard library's own mapping tests on InMemoryStore."""

    type2test = InMemoryStore


class TestLmdbIsAMapping(mapping_tests.BasicTestMappingProtocol):
    """The standard library's own mapping tests on LmdbStore."""

    @pytest.fixture(autouse=True)
    def folder(self, tmp_path):
        made = iter(range(10_000))

        def make(pairs=()):
            store = LmdbStore(tmp_path / str(next(made)), durability="process", map_size=1 << 24)
            store.update(pairs)
            return store

        type(self).type2test = staticmethod(make)

    def _reference(self):
        return {"1": "2", "key1": "value1", "key2": (1, 2, 3)}
