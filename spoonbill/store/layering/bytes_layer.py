"""The base of layers that change stored bytes: compression, encryption, signatures."""

from typing import Any, TypeVar

from spoonbill.common.text import shortened
from spoonbill.errors import CodecError
from spoonbill.store.layering.below_codec import BelowCodec
from spoonbill.store.layering.value_layer import ValueLayer

K = TypeVar("K")
V = TypeVar("V")


class BytesLayer(BelowCodec[K, V], ValueLayer[K, V]):
    """A layer that changes bytes: write `encode` and `decode` from ``bytes`` to ``bytes``.

    Over a store of bytes it is a `ValueLayer`. Over a named store, or a codec, it goes in below the codec, where the
    bytes are: ``Compressed(LmdbStore(path))`` is what ``Codec(Compressed(Lmdb(path)))`` is.

    Parameters
    ----------
    store : Store
        A store that holds bytes, a named store, or a codec over either.

    Raises
    ------
    StackError
        If another layer over decoded values is in the way; the message names the order that works.
    """

    def encode(self, value: Any, key: K) -> bytes:
        """Return the bytes that the inner store shall hold for the bytes `value`."""
        return self._checked(value, key)

    def _checked(self, value: Any, key: K) -> bytes:
        if isinstance(value, bytes):
            return value
        raise CodecError(
            f"{self!r} holds bytes: the value of key {shortened(key)} is {type(value).__name__}; put a Codec on it"
        )
