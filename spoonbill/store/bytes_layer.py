"""The base of layers that change stored bytes: compression, encryption, signatures."""

from typing import Any, TypeVar

from spoonbill.common.text import shortened
from spoonbill.errors import CodecError
from spoonbill.store.binding import bind
from spoonbill.store.mapping import Store
from spoonbill.store.names import named
from spoonbill.store.opening import opened
from spoonbill.store.value_layer import ValueLayer
from spoonbill.store.verbs import VERBS

K = TypeVar("K")
V = TypeVar("V")


class BytesLayer(ValueLayer[K, V]):
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

    def __init__(self, store: Store[Any, Any]) -> None:
        layers, bottom = opened(store, type(self).__name__)
        self._below_codec: BytesLayer[Any, Any] | None = None
        if not layers:
            super().__init__(bottom)
            return
        arguments, options = self._configuration
        with named(self):
            self._below_codec = type(self)(bottom, *arguments[1:], **{k: v for k, v in options.items() if k != "store"})
            inner: Store[Any, Any] = self._below_codec
            for layer in reversed(layers):
                inner = layer.over(inner)
        super().__init__(inner)
        self.is_recipe = True  # a name for the stack inside it
        for verb in VERBS:
            bind(self, verb, getattr(inner, verb), because=f"works below the codec, on the bytes of {bottom!r}")

    @property
    def _working(self) -> "BytesLayer[Any, Any]":
        """The layer that works: this one, or that which took its place below the codec."""
        return self if self._below_codec is None else self._below_codec

    def native(self, verb: str) -> bool:
        return super().native(verb) if self._working is self else self.inner.native(verb)

    def encode(self, value: Any, key: K) -> bytes:
        """Return the bytes that the inner store shall hold for the bytes `value`."""
        return self._checked(value, key)

    def _checked(self, value: Any, key: K) -> bytes:
        if isinstance(value, bytes):
            return value
        raise CodecError(
            f"{self!r} holds bytes: the value of key {shortened(key)} is {type(value).__name__}; put a Codec on it"
        )
