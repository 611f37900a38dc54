"""Print the newest Python of this machine: what ``make test-newest`` runs the suite on."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

OLDEST = (3, 11)
ASK = "import sys; print(*sys.version_info[:3], sys.version_info.releaselevel)"


def candidates() -> Iterator[Path]:
    """Yield the interpreters on the PATH, and those of pyenv, which are not on it."""
    for folder in os.get_exec_path():
        yield from Path(folder).glob("python3*")
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from pyenv.glob("versions/*/bin/python3")


def version(python: Path) -> tuple[int, ...] | None:
    """Return an interpreter's version; None for a program that is none, and for a pre-release."""
    try:
        answer = subprocess.run([python, "-c", ASK], capture_output=True, text=True, check=True, timeout=30).stdout  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return None
    *numbers, level = answer.split()
    return tuple(map(int, numbers)) if level == "final" else None


def main() -> None:
    """Print the path of the newest one."""
    names = {path for path in candidates() if path.name.removeprefix("python").replace(".", "").isdigit()}
    found = [(known, str(path)) for path in names if (known := version(path)) is not None]
    newest, path = max(found)
    if newest < OLDEST:
        sys.exit(f"the newest Python here is {path}: the suite needs {'.'.join(map(str, OLDEST))} or a later one")
    print(path)


if __name__ == "__main__":
    main()
