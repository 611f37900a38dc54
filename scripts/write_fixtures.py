"""Write what this version stores as fixtures, which every later version has to read: once for each release.

Run it from the repository's root: ``python scripts/write_fixtures.py``. The folder is named after the version, and must
not be there.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from spoonbill import __version__  # noqa: E402 - found by the path above
from tests.compatibility.formats import FORMATS  # noqa: E402

LEFT_OUT = ("LOG*", "LOCK", "lock.mdb")
"""Files that engines make anew, and that say where they were made."""


def main() -> int:
    """Write the fixtures, and return the exit code."""
    home = ROOT / "tests" / "compatibility" / __version__
    if home.exists():
        print(f"{home.name} is written already; a release changes its version first", file=sys.stderr)
        return 1
    for one in FORMATS:
        folder = home / one.name
        folder.mkdir(parents=True)
        with one.open(folder) as store:
            store.update(one.entries)
    for pattern in LEFT_OUT:
        for file in list(home.rglob(pattern)):
            file.unlink()
    print(f"{len(FORMATS)} formats of version {home.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
