"""The store of a description."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from spoonbill.common.masking import MASK
from spoonbill.common.plugins import all_engines, all_layers
from spoonbill.errors import UnsupportedError
from spoonbill.registry import homes
from spoonbill.store import Store

__all__ = ["build"]


def build(description: Mapping[str, Any]) -> Store[Any, Any]:
    """Make the store of a description, as `describe` returns it or as a file of JSON or TOML holds it.

    Parameters
    ----------
    description : mapping
        ``store`` and ``layers`` are read, everything else is left aside.

    Raises
    ------
    UnsupportedError
        If a class is unknown, or an argument was masked: put the secret in its place.

    Examples
    --------
    >>> import spoonbill
    >>> cached = {"class": "Cached", "arguments": [10]}
    >>> spoonbill.build({"store": {"class": "InMemoryStore"}, "layers": [cached]})
    Cached(InMemoryStore(), 10)
    """
    store: Any = _made(
        description["store"], (), [where for row in all_engines() for where in (*row.stores, *row.backends)]
    )
    layers = [row.layer for row in all_layers()]
    for part in description.get("layers", ()):
        store = _made(part, (store,), layers)
    return store  # type: ignore[no-any-return]


def _made(part: Mapping[str, Any], inner: tuple[Any, ...], homes_of: list[str]) -> Any:
    known = homes(homes_of)
    name = part.get("class")
    if name not in known:
        raise UnsupportedError(f"no store or layer is called {name!r}: there are {', '.join(sorted(known))}")
    arguments, options = list(part.get("arguments", ())), dict(part.get("options", {}))
    if any(isinstance(one, str) and MASK in one for one in (*arguments, *options.values())):
        raise UnsupportedError(f"the description of {name} has a secret or an object masked: put it in its place")
    cls = getattr(import_module(known[name].partition(":")[0]), name)
    return cls(*inner, *arguments, **options)
