"""The registry: what the rest of the house reads from it, and what it has to agree with."""

import ast
import re
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

import spoonbill
from spoonbill import backends, datastores, layers
from spoonbill.registry import ENGINES, LAYERS

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
EXTRAS = PROJECT["project"]["optional-dependencies"]
STORES = [where for row in ENGINES for where in row.stores]
BACKENDS = [where for row in ENGINES for where in row.backends]


def class_name(where):
    return where.partition(":")[2]


def stated_imports(package):
    """Return what type checkers see: the imports of a package's TYPE_CHECKING block, as "module:Class"."""
    tree = ast.parse((ROOT / "spoonbill" / package / "__init__.py").read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    return sorted(f"{line.module}:{name.asname}" for line in block.body for name in line.names)


@pytest.mark.parametrize("where", [*STORES, *BACKENDS, *(row.layer for row in LAYERS)])
def test_each_row_names_classes_that_exist(where):
    """Each "module:Class" of the registry is a class of that name, defined in that module."""
    module, name = where.split(":")
    found = getattr(import_module(module), name)
    assert (found.__module__, found.__name__) == (module, name)


@pytest.mark.parametrize(
    ("package", "classes"), [("datastores", STORES), ("backends", BACKENDS), ("layers", [row.layer for row in LAYERS])]
)
def test_type_checkers_see_what_the_registry_says(package, classes):
    """The TYPE_CHECKING block and __all__ of the packages hold the registry's classes, and no others."""
    module = import_module(f"spoonbill.{package}")
    assert stated_imports(package) == sorted(classes)
    assert sorted(module.__all__) == sorted(map(class_name, classes))
    assert [getattr(module, class_name(where)).__module__ for where in classes] == [
        where.partition(":")[0] for where in classes
    ]


def test_spoonbill_is_imported_as_it_is_used():
    """Every name of the package is there, and importing it loads nothing else of it."""
    assert {name for name in spoonbill.__all__ if getattr(spoonbill, name) is None} == set()
    assert set(spoonbill.__all__) <= set(dir(spoonbill))
    with pytest.raises(AttributeError, match="nonsense"):
        spoonbill.nonsense
    code = "import sys, spoonbill; print([name for name in sys.modules if name.startswith('spoonbill.')])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout.strip() == b"[]"


def test_type_checkers_find_a_wrong_name(tmp_path):
    """A class that there is not is an error of the type checker, though packages may add classes."""
    packages = ("datastores", "backends", "layers")
    (tmp_path / "wrong.py").write_text("".join(f"from spoonbill.{package} import Nonsense\n" for package in packages))
    command = [sys.executable, "-m", "mypy", "--config-file=", "--cache-dir", tmp_path / "cache", tmp_path / "wrong.py"]
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    for package in packages:
        assert f'Module "spoonbill.{package}" has no attribute "Nonsense"' in shown


def test_each_layer_has_a_row():
    """The layers that spoonbill.layers offers are those of the registry."""
    assert sorted(layers.__all__) == sorted(class_name(row.layer) for row in LAYERS)


def test_each_engine_has_a_row():
    """A file or folder of spoonbill.backends, what is shared apart, stands in exactly one row, and a recipe too."""
    homes = {path.stem for path in (ROOT / "spoonbill/backends").iterdir() if not path.name.startswith("__")}
    assert sorted(homes - {"shared"}) == sorted(
        {where.split(":")[0].split(".")[2] for where in row.backends}.pop() for row in ENGINES
    )
    recipes = {path.stem for path in (ROOT / "spoonbill/datastores").glob("[a-z]*.py")} - {"safetensors"}
    assert recipes == {row.stores[0].split(":")[0].split(".")[2] for row in ENGINES} - {"tensors"}


def test_names_and_schemes_are_given_once():
    """No two rows have a name or a URL scheme in common."""
    for names in ([row.name for row in ENGINES], [one for row in ENGINES for one in row.schemes]):
        assert len(names) == len(set(names))


def test_extras_install_the_clients():
    """The extra of a row exists and installs its package; `all` holds what every extra of an engine does."""
    for row in ENGINES:
        if row.extra is not None:
            assert any(requirement.startswith(row.package) for requirement in EXTRAS[row.extra])
    (everything,) = EXTRAS["all"]
    listed = set(re.search(r"\[(.*)\]", everything)[1].split(","))
    wanted = set(EXTRAS) - {"all", "demo", "test", "docs", "suite", "frameworks", "dev"}
    # boto3 comes to `all` with s3, at the release that aiobotocore takes.
    assert listed == wanted - {"dynamodb", "langchain"}  # a dozen packages come with that library
    assert any(requirement.startswith("aiobotocore[boto3]>=") for requirement in EXTRAS["s3"])


def test_the_import_contract_knows_every_client():
    """The contract "only an engine imports its client" forbids each client of the registry, save to its engine."""
    (contract,) = (one for one in PROJECT["tool"]["importlinter"]["contracts"] if one["id"] == "clients")
    for row in ENGINES:
        home = ".".join(row.backends[0].partition(":")[0].split(".")[:3])
        for client in {name.partition(".")[0] for name in row.clients}:
            assert client in contract["forbidden_modules"]
            allowed = {line.split(" -> ")[0] for line in contract["ignore_imports"] if line.endswith(f" -> {client}")}
            shared = {"spoonbill.filesystems.objects.azure", "spoonbill.common.boto"}
            assert {name.removesuffix(".**") for name in allowed} - shared == {home}


def test_the_registry_imports_nothing():
    """It is data: it takes nothing but the standard library, so that anything may read it."""
    tree = ast.parse((ROOT / "spoonbill" / "registry.py").read_text())
    imported = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    imported += [name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names]
    assert {name.partition(".")[0] for name in imported} <= sys.stdlib_module_names


def test_each_extra_that_a_message_names_exists():
    """No message or page tells people to install an extra that the package does not have."""
    pages = [*ROOT.joinpath("spoonbill").rglob("*.py"), *ROOT.joinpath("docs").rglob("*.md"), ROOT / "README.md"]
    named = {
        extra
        for page in pages
        for extras in re.findall(r"spoonbill-framework\[([a-z0-9,]+)\]", page.read_text())
        for extra in extras.split(",")
    }
    assert named
    assert named <= set(EXTRAS)


def test_the_base_install_imports_every_named_store():
    """`from spoonbill.datastores import *` works where no extra is installed."""
    code = (
        "import sys\n"
        "for name in sys.argv[1].split(): sys.modules[name] = None\n"
        "from spoonbill.datastores import *\n"
        "print(LmdbStore.__name__, SafetensorsLmdbStore.__name__, ModalStore.__name__)\n"
    )
    absent = (
        "adlfs aiobotocore aiohttp azure boto3 botocore bson gcsfs google grpc hypothesis jax ml_dtypes modal numpy "
        "pymongo pysos pytest redis regex s3fs safetensors tensorflow torch"
    )
    shown = subprocess.run([sys.executable, "-c", code, absent], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (shown.stderr, shown.stdout.split()) == ("", ["LmdbStore", "SafetensorsLmdbStore", "ModalStore"])


def test_a_row_of_spoonbill_costs_no_look_at_the_installed_packages():
    """The entry points are read when a name is asked for that spoonbill does not have, and not before."""
    code = (
        "import importlib.metadata as metadata\n"
        "real = metadata.entry_points\n"
        "def watch(**wanted):\n"
        "    assert not wanted.get('group', '').startswith('spoonbill'), wanted\n"
        "    return real(**wanted)\n"
        "metadata.entry_points = watch\n"
        "import spoonbill\n"
        "from spoonbill.datastores import LmdbStore, lmdb, safetensors\n"
        "from spoonbill.backends import Lmdb, shared\n"
        "assert not hasattr(spoonbill.datastores, 'absent') and not hasattr(spoonbill.backends, '_absent')\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_an_unknown_class_is_an_attribute_error():
    """A name that nobody has is an AttributeError that says which module was asked."""
    for module in (datastores, backends, layers):
        with pytest.raises(AttributeError, match=rf"module '{module.__name__}' has no attribute 'Nonsense'"):
            _ = module.Nonsense
