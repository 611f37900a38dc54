"""Opening a stack down to its bytes: named stores and codecs are taken off, and nothing else is."""

from typing import Any

from spoonbill.errors import StackError
from spoonbill.store.layering.layer import Layer
from spoonbill.store.mapping import Store

__all__ = ["opened"]


def opened(store: Store[Any, Any], asker: str) -> tuple[list[Layer[Any, Any]], Store[Any, Any]]:
    """Return the codecs on `store`, the outermost first, and the store of bytes below them.

    Parameters
    ----------
    store : Store
        A store of bytes, or named stores and codecs over one.
    asker : str
        The name of the layer that needs the bytes, for the error.

    Raises
    ------
    StackError
        If the first other store holds no bytes; the message names the order that works.
    """
    if not isinstance(store, Store):
        raise StackError(
            f"{asker} wraps a store, not {type(store).__name__}: InMemoryStore(mapping) makes a store of any mapping"
        )
    codecs: list[Layer[Any, Any]] = []
    below = store
    while isinstance(below, Layer) and (below.is_recipe or below.is_codec):
        if below.is_codec:
            codecs.append(below)
        below = below.inner
    if below.holds_bytes:
        return codecs, below
    name = type(below).__name__
    order = below.order_with(asker) if isinstance(below, Layer) else f"{name}({asker}(...))"
    raise StackError(
        f"{asker} needs a store that holds bytes, and {store!r} does not: {name} stands on decoded values. "
        f"Build it the other way round: {order}"
    )
