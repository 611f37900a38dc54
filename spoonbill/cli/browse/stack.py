"""The stack of a store, as the page draws it."""

from typing import Any

from spoonbill.store import Store
from spoonbill.store.describing import levels_of

__all__ = ["stack_of"]


def stack_of(store: Store[Any, Any]) -> list[dict[str, Any]]:
    """Return each level, from the outside to the engine: its class, its arguments, its promises, its native verbs."""
    levels = levels_of(store)
    if levels[-1].raw is not levels[-1]:
        levels.append(levels[-1].raw)
    return [_level(level) for level in levels]


def _level(store: Store[Any, Any]) -> dict[str, Any]:
    told = store.describe()
    part = (told["layers"] or [told["store"]])[-1]
    arguments = [str(argument) for argument in part.get("arguments", ())]
    arguments += [f"{name}={value}" for name, value in part.get("options", {}).items()]
    return {
        "class": type(store).__name__,
        "arguments": arguments,
        "guarantees": list(told["guarantees"].items()),
        "limits": list(told["limits"].items()),
        "native": told["capabilities"],
        "read_only": store.read_only,
    }
