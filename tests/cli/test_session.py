"""The long session of the docs, run in a terminal beside a real Redis server."""

import runpy
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_session_of_the_docs_is_what_a_terminal_shows():
    """100,000 rows from a file to SQLite, Redis, LMDB, Parquet and safetensors; one copy is interrupted and resumed."""
    script = runpy.run_path(str(ROOT / "scripts" / "transcript.py"))
    page = (ROOT / "docs" / "a-session.md").read_text()
    assert script["masked"](script["made"](page)) == script["masked"](page)
