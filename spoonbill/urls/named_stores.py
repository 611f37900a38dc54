"""Stores that a file names: ``spoonbill.toml`` with ``[stores.cache] url = "..."``."""

import os
import tomllib
from pathlib import Path
from typing import Any, Final

from spoonbill.errors import UnsupportedError

__all__ = ["FILE", "find_named", "named_stores"]

FILE: Final = "spoonbill.toml"
_VARIABLE: Final = "SPOONBILL_CONFIG"


def named_stores() -> dict[str, dict[str, Any]]:
    """Return the stores of the file, each as its table of ``url`` and options; nothing where there is no file.

    The file is that of ``SPOONBILL_CONFIG``, else ``spoonbill.toml`` in this folder or the nearest one above it.

    Raises
    ------
    UnsupportedError
        If the file cannot be read, or says something else.
    """
    path = _file()
    if path is None:
        return {}
    try:
        tables: Any = tomllib.loads(path.read_text("utf-8")).get("stores", {})
    except (OSError, ValueError) as error:
        raise UnsupportedError(f"{path} cannot be read: {error}") from error
    for name, table in tables.items():
        if not isinstance(table, dict) or not isinstance(table.get("url"), str):
            raise UnsupportedError(f'{path}: [stores.{name}] needs url = "..."')
    return dict(tables)


def _file() -> Path | None:
    if given := os.environ.get(_VARIABLE):
        return Path(given)
    here = Path.cwd()
    return next((folder / FILE for folder in (here, *here.parents) if (folder / FILE).is_file()), None)


def find_named(name: str) -> tuple[str, dict[str, Any]] | None:
    """Return the URL and the options of a named store, None where no file names it."""
    table = named_stores().get(name)
    if table is None:
        return None
    return table["url"], {option: value for option, value in table.items() if option != "url"}
