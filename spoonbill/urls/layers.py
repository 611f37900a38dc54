"""Layers in the query of a URL, in its order: the first one is the innermost."""

import base64
import binascii
from collections.abc import Callable
from importlib import import_module
from typing import Any, Final

from spoonbill.common.plugins import all_layers
from spoonbill.errors import UnsupportedError
from spoonbill.registry import LayerRow
from spoonbill.store import BytesLayer, Store
from spoonbill.urls.address import shown

__all__ = ["layer_options", "stands_below", "wrap"]


def layer_options() -> dict[str, LayerRow]:
    """Return the layers that a URL can ask for, by the option that does."""
    return {row.option: row for row in all_layers() if row.option is not None}


def stands_below(row: LayerRow) -> bool:
    """Return whether a layer works on bytes, so that it goes in below the others wherever it stands in the query."""
    module, _, cls = row.layer.partition(":")
    return issubclass(getattr(import_module(module), cls), BytesLayer)


def wrap(store: Store[Any, Any], row: LayerRow, name: str, text: str) -> Store[Any, Any]:
    """Return the layer of a row around a store, with the option's text as its argument."""
    module, _, cls = row.layer.partition(":")
    layer: Any = getattr(import_module(module), cls)
    if row.takes == "flag":
        return layer(store) if _is_yes(name, text) else store
    try:
        argument = _ARGUMENTS[row.takes](text)
    except ValueError:
        raise UnsupportedError(f"the option {name}={shown(text)!r} should be a {row.takes}") from None
    return layer(store, argument)  # type: ignore[no-any-return]


def _is_yes(name: str, text: str) -> bool:
    if text.lower() in {"1", "true", "yes", "on", ""}:
        return True
    if text.lower() in {"0", "false", "no", "off"}:
        return False
    raise UnsupportedError(f"the option {name}={shown(text)!r} is yes or no: write {name}=1")


def _secret(text: str) -> bytes:
    """Return a key that is written as hexadecimal or as base64."""
    try:
        return bytes.fromhex(text)
    except ValueError:
        pass
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        return text.encode()


_ARGUMENTS: Final[dict[str, Callable[[str], Any]]] = {"text": str, "count": int, "number": float, "secret": _secret}
