"""Completion of keys and of named stores in a shell."""

import os
from pathlib import Path
from typing import Any, Final

import click
from click.shell_completion import CompletionItem

__all__ = ["complete_key", "complete_store"]

_MOST: Final = 50
_LOCAL: Final = frozenset({"lmdb", "rocksdb", "sqlite", "file", "shelve", "pysos", "safetensors"})


def complete_store(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG001 - click asks so
    """Return the schemes, and the stores of ``spoonbill.toml``, that begin with what was typed."""
    from spoonbill.common.plugins import all_engines
    from spoonbill.urls.named_stores import named_stores

    known = [f"{scheme}:" for row in all_engines() for scheme in row.schemes] + sorted(named_stores())
    return [CompletionItem(name) for name in known if name.startswith(incomplete)]


def complete_key(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG001 - click asks so
    """Return keys of the store that begin with what was typed; none where there is no such store, which is not made."""
    url = ctx.params.get("url")
    if not isinstance(url, str) or not _is_there(url):
        return []
    try:
        return [CompletionItem(key) for key in _keys(url, incomplete)]
    except Exception:
        return []


def _keys(url: str, begin: str) -> list[str]:
    from spoonbill import prefix
    from spoonbill.urls import open_store

    with open_store(url) as store:
        found: Any = store.keys(prefix(begin), _MOST)
        return [key for key in found if isinstance(key, str) and key.isprintable()]


def _is_there(url: str) -> bool:
    from spoonbill.urls.address import Address

    address = Address.of(url)
    return address is None or address.scheme not in _LOCAL or Path(os.fspath(address.path)).exists()
