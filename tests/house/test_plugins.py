"""Engines and layers of installed packages, each installed as a wheel is: a module and its dist-info in a folder."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NOTES = """
from spoonbill.layers import Codec
from spoonbill.registry import EngineRow, LayerRow
from spoonbill.store import Store
from spoonbill.store.named import NamedStore
from spoonbill.store.layering.value_layer import ValueLayer

ENGINE = EngineRow({name!r}, stores=("{module}:{store}",), backends=("{module}:{store}Backend",), schemes=({scheme!r},))
LAYER = LayerRow({layer!r}, "{module}:{store}Layer")

class {store}Backend(Store[str, bytes]):
    def __init__(self): self.data = {{}}
    def get(self, key, default=None): return self.data.get(key, default)
    def set(self, key, value): self.data[key] = value
    def delete(self, key): return self.data.pop(key, None) is not None
    def iter(self): return iter(list(self.data))

class {store}(NamedStore):
    def __init__(self): super().__init__(Codec({store}Backend()))

class {store}Layer(ValueLayer):
    def encode(self, value, key): return value[::-1]
    def decode(self, data, key): return data[::-1]
"""


def install(folder, package, points=None, **row):
    """Install a package that adds an engine and a layer; `points` are its entry points where it names others."""
    module = package.replace("-", "_")
    names = {"name": "notes", "scheme": "notes", "store": "NotesStore", "layer": "reverse", **row}
    (folder / f"{module}.py").write_text(NOTES.format(module=module, **names))
    made = folder / f"{module}-1.0.dist-info"
    made.mkdir()
    (made / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    points = points or f"[spoonbill.engines]\na = {module}:ENGINE\n[spoonbill.layers]\na = {module}:LAYER\n"
    (made / "entry_points.txt").write_text(points)


def run(folder, code):
    """Run a program that has the folder among its installed packages; return what it printed."""
    paths = os.pathsep.join(map(str, (folder, ROOT)))
    ended = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": paths},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return ended.stdout + ended.stderr


def refusal(folder, what="engines"):
    code = (
        f"from spoonbill.common.plugins import all_{what}\n"
        "from spoonbill.errors import PluginError\n"
        f"try: all_{what}()\n"
        "except PluginError as error: print('refused:', error)\n"
    )
    return run(folder, code)


def test_an_installed_package_adds_an_engine_and_a_layer(tmp_path):
    """Its store, backend and layer stand beside spoonbill's own, and its row among the rows."""
    install(tmp_path, "notes-store")
    code = (
        "from spoonbill.backends import NotesStoreBackend\n"
        "from spoonbill.common.plugins import all_engines, all_layers\n"
        "from spoonbill.datastores import NotesStore\n"
        "from spoonbill.layers import NotesStoreLayer\n"
        "store = NotesStore.open()\n"
        "store[1] = ['a']\n"
        "assert dict(store.items()) == {1: ['a']}\n"
        "raw = NotesStoreBackend()\n"
        "NotesStoreLayer(raw)['k'] = b'ab'\n"
        "print(raw.data, all_engines()[-1].schemes, all_layers()[-1].name)\n"
    )
    assert run(tmp_path, code) == "{'k': b'ba'} ('notes',) reverse\n"


def test_two_packages_add_their_engines(tmp_path):
    """Rows that have nothing in common stand side by side."""
    install(tmp_path, "notes-store")
    install(tmp_path, "other-store", name="other", scheme="other", store="OtherStore", layer="other")
    assert run(tmp_path, "from spoonbill.datastores import NotesStore, OtherStore; print('both')") == "both\n"


@pytest.mark.parametrize(
    ("row", "taken"),
    [
        ({"name": "redis"}, "engine 'redis'"),
        ({"scheme": "rediss"}, "URL scheme 'rediss'"),
        ({"store": "RedisStore"}, "store class 'RedisStore'"),
    ],
)
def test_a_row_of_spoonbill_cannot_be_replaced(tmp_path, row, taken):
    """A name, a scheme or a class of spoonbill's own is refused to a package; the error names both."""
    install(tmp_path, "notes-store", **row)
    shown = refusal(tmp_path)
    assert shown.startswith(f"refused: notes-store adds the {taken} ")
    assert "which spoonbill-framework has" in shown


@pytest.mark.parametrize(
    ("row", "taken"),
    [
        ({"scheme": "b", "store": "B"}, "engine 'notes'"),
        ({"name": "b", "store": "B"}, "URL scheme 'notes'"),
        ({"name": "b", "scheme": "b"}, "store class 'NotesStore'"),
    ],
)
def test_a_row_of_another_package_cannot_be_replaced(tmp_path, row, taken):
    """Of two packages that add the same name, scheme or class both are named."""
    install(tmp_path, "notes-store")
    install(tmp_path, "other-notes", layer="b", **row)
    shown = refusal(tmp_path)
    assert shown.startswith(f"refused: other-notes adds the {taken} ")
    assert "which notes-store has" in shown


def test_a_layer_that_is_taken_is_refused(tmp_path):
    """Layers are refused as engines are: by name, with both packages."""
    install(tmp_path, "notes-store", layer="cached")
    shown = refusal(tmp_path, "layers")
    assert shown.startswith("refused: notes-store adds the layer 'cached' ")
    assert "which spoonbill-framework has" in shown


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("notes_store:ABSENT", "AttributeError"),
        ("absent_module:ROW", "ModuleNotFoundError"),
        ("notes_store:LAYER", "a LayerRow, not a EngineRow"),
    ],
)
def test_an_entry_point_that_is_no_row_is_refused(tmp_path, target, reason):
    """An entry point that cannot be imported, or that is no row of its kind, is an error that names its package."""
    install(tmp_path, "notes-store", f"[spoonbill.engines]\na = {target}\n")
    shown = refusal(tmp_path)
    assert shown.startswith("refused: notes-store ")
    assert target in shown
    assert reason in shown


def test_a_refused_package_leaves_the_own_stores_alone(tmp_path):
    """A package whose row is refused breaks no store of spoonbill's; a store that only it could have is refused."""
    install(tmp_path, "notes-store", name="redis")
    code = (
        "from spoonbill.datastores import InMemoryStore, safetensors\n"
        "print(dict(InMemoryStore({1: 2})), flush=True)\n"
        "from spoonbill.datastores import NotesStore\n"
    )
    shown = run(tmp_path, code)
    assert shown.startswith("{1: 2}\n")
    assert "PluginError: notes-store adds the engine 'redis'" in shown
