"""The packages in contrib/, which are the template for everybody's: their entry points, and what they add."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = sorted(path.parent for path in ROOT.glob("contrib/*/pyproject.toml"))


def installed(package, folder):
    """Make a folder in which a package is installed, as pip leaves it: its module, and its dist-info."""
    project = tomllib.loads((package / "pyproject.toml").read_text())["project"]
    module = project["name"].replace("-", "_")
    (folder / module).symlink_to(package / module)
    made = folder / f"{module}-{project['version']}.dist-info"
    made.mkdir()
    name, version = project["name"], project["version"]
    (made / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    points = project["entry-points"]["spoonbill.engines"]
    lines = "".join(f"{name} = {where}\n" for name, where in points.items())
    (made / "entry_points.txt").write_text(f"[spoonbill.engines]\n{lines}")


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_a_package_adds_its_engine(package, tmp_path):
    """Its classes stand beside spoonbill's own, an address opens its store, and listing engines imports no client."""
    installed(package, tmp_path)
    code = (
        "import sys, spoonbill\n"
        "from spoonbill.common.plugins import all_engines\n"
        "from spoonbill.registry import ENGINES\n"
        "(row,) = [row for row in all_engines() if row not in ENGINES]\n"
        "assert not set(row.clients) & set(sys.modules)\n"
        "from spoonbill import backends, datastores\n"
        "kind = getattr(datastores, row.stores[0].partition(':')[2])\n"
        "assert getattr(backends, row.backends[0].partition(':')[2])\n"
        "address = {'memcached': 'memcached:localhost:1', 'objectstore': 'objectstore:memory:///'}[row.name]\n"
        "with spoonbill.open(address) as store: print(isinstance(store, kind))\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (tmp_path, ROOT)))},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (ended.stderr, ended.stdout) == ("", "True\n")


def test_there_are_packages():
    """Both templates are found."""
    assert [path.name for path in PACKAGES] == ["spoonbill-memcached", "spoonbill-objectstore"]
