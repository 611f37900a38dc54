"""The layer that takes any key."""

from functools import partial
from typing import Any

from spoonbill.keys import MARKER, decode_key, encode_key
from spoonbill.query import AnyOf, Query, prefix
from spoonbill.store import KeyLayer, Store
from spoonbill.store.binding import bind


class AnyKey(KeyLayer[Any, Any]):
    """Any key over a store of str keys, by the scheme of `spoonbill.keys`; values are left as they are.

    Parameters
    ----------
    store : Store
        A store of str keys.
    strict : bool, optional
        False also takes keys that only pickle can hold, where their encoding is stable.
    """

    is_codec = True
    owns_all = True

    def __init__(self, store: Store[Any, Any], *, strict: bool = True) -> None:
        super().__init__(store)
        self._strict = strict
        # Of the class's own functions, which do not hold this store: a cycle would keep the engine open.
        own = type(self).down is AnyKey.down and type(self).up is AnyKey.up
        functions = (partial(_down, strict), partial(_up, strict)) if own else (self.down, self.up)
        for verb, function in store.compile_keys(*functions).items():
            bind(self, verb, function, because="the engine's own form, with the key functions compiled in")

    def down(self, key: Any) -> str:
        return _down(self._strict, key)

    def up(self, key: str) -> Any:
        return _up(self._strict, key)

    def translate(self, query: Query) -> Query:
        # A key that is no string is matched by its str(), but stored under the marker: those come along to be tested.
        if query.pattern is None or query.pattern.everything:
            return query
        return query.with_pattern(AnyOf((query.pattern, prefix(MARKER))))


def _down(strict: bool, key: Any) -> str:
    if type(key) is str and key.isascii() and key[:1] != MARKER:
        return key
    return encode_key(key, strict=strict)


def _up(strict: bool, key: str) -> Any:
    # A key of bytes that are no text, of another program, has lone surrogates: decode_key refuses it by name.
    return key if key[:1] != MARKER and key.isascii() else decode_key(key, strict=strict)
