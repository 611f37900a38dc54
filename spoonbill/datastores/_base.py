"""The base of the document stores' recipes."""

from typing import Any, TypeVar

from spoonbill.layers.codec import Codec
from spoonbill.store import Store
from spoonbill.store.named import NamedStore

__all__ = ["DocumentStore", "holds_documents"]

K = TypeVar("K")
V = TypeVar("V")


def holds_documents(strict: bool, codec: str | object | None) -> bool:
    """Return whether values are native documents; otherwise a codec writes them as bytes."""
    return strict and codec is None


class DocumentStore(NamedStore[K, V]):
    """A store of native documents, or, with ``strict=False`` or a codec, of bytes that hold any value.

    Parameters
    ----------
    backend : DocumentBackend
        What holds the documents.
    strict : bool
        True: a value is a document, or a part of one, of None, bool, int, float, str, bytes, list, dict and datetime.
        False: any value and key that pickle or cloudpickle can hold.
    codec : str, object or None
        How values are written as bytes, if not as documents.
    """

    def __init__(self, backend: Store[Any, Any], *, strict: bool, codec: str | object | None) -> None:
        super().__init__(backend if holds_documents(strict, codec) else Codec(backend, codec, strict=strict))
