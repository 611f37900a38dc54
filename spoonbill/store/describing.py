"""A stack as plain data."""

from typing import Any

from spoonbill.common.masking import MASK, is_secret, masked
from spoonbill.store.described import parameters
from spoonbill.store.layering.layer import Layer
from spoonbill.store.named import NamedStore

__all__ = ["description_of", "levels_of"]

_PLAIN = (str, int, float, bool, type(None))


def description_of(store: Any) -> dict[str, Any]:
    """Return what a store is, as plain data for JSON or TOML.

    Returns
    -------
    dict
        ``store`` (the class of the store inside, its arguments and options), ``layers`` (from the inside),
        ``capabilities``, ``limits``, ``guarantees``, ``url``. Secrets are masked.
    """
    *layers, inner = levels_of(store)
    return {
        "store": _part(inner, skip=0),
        "layers": [_part(layer, skip=1) for layer in layers[::-1]],
        "capabilities": sorted(store.capabilities),
        "limits": {name: limit for name, limit in vars(store.limits).items() if limit is not None},
        "guarantees": dict(store.guarantees.rows()),
        "url": store.url,
    }


def levels_of(store: Any) -> list[Any]:
    """Return the layers of a stack as they were put together, from the outside, and the store inside of them."""
    levels = [store]
    while isinstance(levels[-1], Layer) and not isinstance(levels[-1], NamedStore):
        levels.append(_configured_inner(levels[-1]))
    return levels


def _configured_inner(layer: Any) -> Any:
    """Return the store that a layer was given: it may work on one below it, whose codec it has taken off."""
    arguments, options = layer._configuration  # noqa: SLF001 - of spoonbill's own
    return arguments[0] if arguments else next(options[name] for name in _INNER if name in options)


def _part(store: Any, *, skip: int) -> dict[str, Any]:
    arguments, options = store._configuration  # noqa: SLF001 - of spoonbill's own
    cls: Any = type(store)
    part: dict[str, Any] = {"class": cls.__name__}
    names = (*parameters(cls), *("" for _ in arguments))
    given = list(zip(names, arguments, strict=False))[skip:]
    if given:
        part["arguments"] = [_shown(cls, name, argument) for name, argument in given]
    kept = {name: _shown(cls, name, value) for name, value in options.items() if name not in _INNER}
    if kept:
        part["options"] = kept
    return part


def _shown(cls: Any, name: str, value: Any) -> Any:
    return MASK if value is not None and (name in cls.secret_options or is_secret(name)) else _datum(value)


_INNER = frozenset({"store", "inner"})


def _datum(value: Any) -> Any:
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, _PLAIN):
        return value
    if hasattr(value, "__fspath__"):
        return str(value)
    if isinstance(value, (list, tuple)) and all(isinstance(one, _PLAIN) for one in value):
        return list(value)
    return MASK
