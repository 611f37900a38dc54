"""The layer that turns keys and values to strings, as Redis does."""

from typing import Any

from spoonbill.common.text import shortened
from spoonbill.errors import CodecError, InvalidKeyError
from spoonbill.query import Query
from spoonbill.store import KeyLayer, Store, ValueLayer
from spoonbill.store.binding import given
from spoonbill.store.methods.counting import incremented
from spoonbill.store.names import named
from spoonbill.store.opening import opened

_REMEDY = "write it as text, by json.dumps; or keep such values apart, in a store of their own with a codec="


def as_text(thing: Any) -> str | None:
    """Return the string that Redis would keep for `thing`, or None where it is no str, int or float."""
    if isinstance(thing, str):
        return str(thing)
    if isinstance(thing, bool) or not isinstance(thing, (int, float)):
        return None
    return repr(float(thing)) if isinstance(thing, float) else str(int(thing))


class _TextKeys(KeyLayer[Any, Any]):
    """Keys as strings: ``1`` and ``"1"`` are one key."""

    is_codec = True
    owns_all = True

    def down(self, key: Any) -> str:
        if type(key) is str:
            return key
        text = as_text(key)
        if text is None:
            raise InvalidKeyError(
                f"{self.inner!r} holds keys as strings: a key is a str, int or float, not {type(key).__name__} "
                f"{shortened(key)}; a Codec holds any key"
            )
        return text

    def translate(self, query: Query) -> Query:
        return query  # every key is a string, so a pattern means the same below


class StrictString(ValueLayer[Any, str]):
    """Keys and values as strings: ``store[1] == store["1"] == "1"``.

    Accepts str, int and float (by ``repr``). Anything else is refused, since it would not come back.

    Parameters
    ----------
    store : Store
        A store that holds bytes; a named store or a Codec is opened.
    """

    holds_bytes = False
    is_codec = True

    def __init__(self, store: Store[Any, Any]) -> None:
        _, below = opened(store, type(self).__name__)
        with named(self):  # a part of this layer, not one that the user made
            inner = _TextKeys(below)
        super().__init__(inner)

    def encode(self, value: Any, key: Any) -> bytes:
        text = as_text(value)
        if text is None:
            raise CodecError(
                f"{self!r} holds strings: the value of key {shortened(key)} is a {type(value).__name__}, not a str, "
                f"int or float; {_REMEDY}"
            )
        try:
            return text.encode()
        except UnicodeEncodeError as error:
            raise CodecError(f"{self!r}: the value of key {shortened(key)} is no valid text: {error}") from error

    def decode(self, data: bytes, key: Any) -> str:
        try:
            return data.decode()
        except UnicodeDecodeError as error:
            raise CodecError(
                f"{self!r}: the value of key {shortened(key)} is no UTF-8 text: {error}; read it with a raw Codec"
            ) from error

    def increment(self, key: Any, by: float = 1, *, ttl: float | None = None) -> Any:
        """Add to a number that is held as text, and return the sum as an int or a float."""
        if self.inner.native("increment"):
            return self.inner.increment(key, by, **given(ttl=ttl))
        return incremented(self, key, by, ttl, dump=repr)

    def replace(self, key: Any, expected: Any, value: Any, *, ttl: float | None = None) -> bool:
        text = as_text(expected)
        return text is not None and super().replace(key, text, value, **given(ttl=ttl))
