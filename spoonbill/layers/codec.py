"""The layer that holds any object, under any key, in a store of bytes."""

from collections.abc import Callable, Iterable
from typing import Any, Literal

from spoonbill.codecs import ValueCodec, get_codec
from spoonbill.common.generics import K, V
from spoonbill.common.text import shortened
from spoonbill.errors import CodecError, InvalidKeyError
from spoonbill.layers.any_key import AnyKey
from spoonbill.query import Query
from spoonbill.store import KeyLayer, Store, ValueLayer
from spoonbill.store.binding import bind, given, weakly
from spoonbill.store.names import named
from spoonbill.store.opening import opened


class _TextKeys(KeyLayer[Any, Any]):
    """Keys as they are: str only."""

    is_codec = True
    owns_all = True

    def down(self, key: Any) -> str:
        if not isinstance(key, str):
            raise InvalidKeyError(
                f'{self.inner!r} is read with keys="text": a key is a str, not {type(key).__name__} {shortened(key)}'
            )
        return str(key)

    def translate(self, query: Query) -> Query:
        return query


class Codec(ValueLayer[K, V]):
    """Any object as a value and any hashable plain object as a key, over a store of bytes.

    Parameters
    ----------
    store : Store
        A store that holds bytes. A named store or another Codec is opened: its raw store is used.
    codec : str or ValueCodec or object with ``dumps`` and ``loads``, optional
        How values are written: ``"msgpack"`` (the default, typed), ``"json"``, ``"raw"``, ``"text"``, ``"pickle"``,
        ``"cloudpickle"``.
    keys : {"any", "text"}, optional
        ``"any"`` writes str keys as they are and other kinds under a marker; ``"text"`` takes str keys only and reads
        any database.
    strict : bool, optional
        False also allows values and keys that only pickle can hold. Unless a codec is named, values are written as a
        strict store writes them, and only what that cannot hold as a marked pickle: a strict store reads all the rest.

    Raises
    ------
    StackError
        If the store below holds no bytes.
    """

    holds_bytes = False
    is_codec = True

    def __init__(
        self,
        store: Store[Any, Any],
        codec: str | ValueCodec | object | None = None,
        *,
        keys: Literal["any", "text"] = "any",
        strict: bool = True,
    ) -> None:
        _, below = opened(store, type(self).__name__)
        chosen = codec if codec is not None else "msgpack" if strict else "loose"
        self.codec = get_codec(chosen)
        with named(self):  # a part of this layer, not one that the user made
            inner = _TextKeys(below) if keys == "text" else AnyKey(below, strict=strict)
        super().__init__(inner)
        self.strict = strict and self.codec.safe
        self._dumps = self.codec.dumps
        self._loads = self.codec.loads
        if self.codec.name == "raw":
            self._pass_through()

    def _pass_through(self) -> None:
        """Bind the verbs for which the raw codec does nothing but look at types straight to the store below."""
        cls, because = type(self), "the raw codec leaves bytes as they are"
        if cls.decode is Codec.decode:
            for verb in ("get", "get_many", "entries"):
                if getattr(cls, verb) is getattr(ValueLayer, verb):
                    bind(self, verb, getattr(self.inner, verb), because=because)
        if cls.encode is Codec.encode and cls.set is ValueLayer.set and cls.set_many is ValueLayer.set_many:
            bind(self, "set", self._setter(), because=because)
            bind(self, "set_many", self._set_bytes, because=because)

    def _setter(self) -> Callable[..., None]:
        put, put_odd = self.inner.set, weakly(self, ValueLayer.set)

        def set_bytes(key: Any, value: Any, *, ttl: float | None = None) -> None:
            if value.__class__ is bytes and ttl is None:
                put(key, value)
            else:
                put_odd(key, value, ttl=ttl)

        return set_bytes

    def _set_bytes(self, pairs: Iterable[tuple[Any, Any]], *, ttl: float | None = None) -> None:
        """Set many pairs, those of a dict whose values are all bytes without a look at each."""
        if isinstance(pairs, type({}.items())) and set(map(type, pairs.mapping.values())) <= {bytes}:
            self.inner.set_many(pairs, **given(ttl=ttl))
        else:
            ValueLayer.set_many(self, pairs, ttl=ttl)

    def encode(self, value: Any, key: Any) -> bytes:
        try:
            return self._dumps(value)
        except CodecError as error:
            raise CodecError(f"{self!r} cannot hold the value of key {shortened(key)}: {error}") from error.__cause__

    def decode(self, data: bytes, key: Any) -> Any:
        try:
            return self._loads(data)
        except CodecError as error:
            raise CodecError(f"{self!r} cannot read the value of key {shortened(key)}: {error}") from error.__cause__
