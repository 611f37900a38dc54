"""Run every Python block of the README and of these pages, each page from top to bottom in a folder of its own.

A page whose first line is ``<!-- needs a server -->`` is left to the test suite, which starts the server.
"""

import contextlib
import io
import os
import re
import sys
import tempfile
import traceback
from pathlib import Path

ROOT = Path(__file__).parents[1]
SERVER = "<!-- needs a server -->"


def blocks(page: Path) -> list[str]:
    """Return the Python blocks of a page."""
    return re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)


def runs(page: Path) -> bool:
    """Run the blocks of a page, and tell whether all of them worked."""
    names: dict[str, object] = {"__name__": "snippet"}
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        for number, block in enumerate(blocks(page), 1):
            try:
                with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                    exec(compile(block, f"{page.name}, block {number}", "exec"), names)  # noqa: S102 - our own pages
            except Exception:
                print(f"{page.relative_to(ROOT)}, block {number}, does not run:")
                traceback.print_exc()
                return False
    return True


def main() -> int:
    """Run all pages; return the exit code."""
    os.environ.setdefault("TQDM_DISABLE", "1")
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    wanted = [page for page in pages if not page.read_text().startswith(SERVER) and blocks(page)]
    good = [runs(page) for page in wanted]
    print(f"{sum(good)} of {len(wanted)} pages with snippets run")
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
