"""The base of layers that go in below the codec, where the bytes are."""

from typing import Any, ClassVar, TypeVar

from spoonbill.errors import StackError
from spoonbill.store.binding import bind
from spoonbill.store.layering.layer import Layer
from spoonbill.store.layering.looking import stack_of
from spoonbill.store.mapping import Store
from spoonbill.store.names import named
from spoonbill.store.opening import opened
from spoonbill.store.verbs import VERBS

K = TypeVar("K")
V = TypeVar("V")


class BelowCodec(Layer[K, V]):
    """A layer that works on stored bytes: over a named store, or a codec, it goes in below the codec.

    ``Compressed(LmdbStore(path))`` is what ``Codec(Compressed(Lmdb(path)))`` is. The layer's own arguments are passed
    on to the one below, `_working`, which is the layer itself where it stands on bytes already.

    Parameters
    ----------
    store : Store
        A store that holds bytes, a named store, or a codec over either.

    Raises
    ------
    StackError
        If another layer over decoded values is in the way; the message names the order that works.
    """

    needs_bytes: ClassVar[bool] = True  # False: over a store of documents it works on these
    once: ClassVar[bool] = False  # a second one in a stack makes no sense
    compresses: ClassVar[bool] = False
    leaves_noise: ClassVar[bool] = False  # what it writes cannot be compressed

    def __init__(self, store: Store[Any, Any]) -> None:
        try:
            layers, bottom = opened(store, type(self).__name__)
        except StackError:
            if self.needs_bytes or not isinstance(store, Store):
                raise
            layers, bottom = [], store
        self._below_codec: BelowCodec[Any, Any] | None = None
        self._check_order(bottom)
        if not layers:
            super().__init__(self._based(bottom))
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
    def _working(self) -> Any:
        """The layer that works: this one, or that which took its place below the codec."""
        return self if self._below_codec is None else self._below_codec

    def _check_order(self, bottom: Store[Any, Any]) -> None:
        """Refuse what would work without sense: the message names the order that makes some."""
        name = type(self).__name__
        for below in stack_of(bottom):
            if self.once and isinstance(below, type(self)):
                raise StackError(
                    f"{name} over {bottom!r}: there is one in that stack already, and a second one makes no sense. "
                    f"Build it with one: {name}(...)"
                )
            if self.leaves_noise and isinstance(below, BelowCodec) and below.compresses:
                other = type(below).__name__
                raise StackError(
                    f"{name} over {bottom!r}: what {name} writes cannot be compressed any more. Build it the other "
                    f"way round: {other}({name}(...))"
                )

    def _based(self, bottom: Store[Any, Any]) -> Store[Any, Any]:
        """Return what the layer stands on, made of the store of bytes."""
        return bottom

    def native(self, verb: str) -> bool:
        return super().native(verb) if self._working is self else self.inner.native(verb)
