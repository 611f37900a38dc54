"""What stands in a stack below a layer, so that an order which makes no sense is refused when it is built."""

from collections.abc import Iterator
from typing import Any

from spoonbill.errors import CodecError
from spoonbill.store.layering.value_layer import ValueLayer
from spoonbill.store.mapping import Store

__all__ = ["stack_of", "takes"]


def stack_of(store: Store[Any, Any]) -> Iterator[Store[Any, Any]]:
    """Yield a store and every store below it that holds its entries, the outermost first."""
    yield store
    for below in store.stands_on:
        yield from stack_of(below)


def takes(store: Store[Any, Any], value: Any) -> bool:
    """Return whether a stack can hold values of a kind. Nothing is read or written.

    Parameters
    ----------
    store : Store
        The stack. A layer of values is asked to encode the value, and an engine of bytes whether it takes it.
    value : object
        A sample.
    """
    if isinstance(store, ValueLayer) and not store.is_recipe:
        try:
            value = store.encode(value, "a")
        except CodecError:
            return False
        except Exception:
            return True
    if store.stands_on:
        return all(takes(below, value) for below in store.stands_on)
    if isinstance(value, bytes) or not store.holds_bytes:
        return True
    try:
        store.check("a", value)
    except (CodecError, TypeError):
        return False
    return True
