"""LMDB's verbs with the key functions compiled in: one frame between the mapping and the engine, none a key."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import islice, repeat, takewhile
from typing import Any, Protocol, TypeGuard

import lmdb

from spoonbill.backends.lmdb.environment import SharedHandle
from spoonbill.backends.shared.turns import Turns
from spoonbill.common.sentinels import MISSING
from spoonbill.keys import MARKER
from spoonbill.store.odd_keys import ODD, raise_unhashable

FAILURES = (lmdb.Error, AttributeError, UnicodeEncodeError, TypeError)
"""What a call to LMDB can raise, its odd keys included; all else came from outside, and passes."""

_ODD_OR_FAILED = (*FAILURES, IndexError)

EMPTY = b"\xff"
"""Stands for the empty key, which LMDB cannot hold: no UTF-8 text contains this byte."""

_MARKED = MARKER.encode()
_MARKER = ord(MARKER)
_AFTER_MARKED = bytes([_MARKER + 1])
_BATCH = 500
_WORTH_SORTING = 20_000
_LARGEST_SORTED = 200_000
_DictItems: type[Any] = type({}.items())


class Engine(Protocol):
    """What these verbs need of the backend: its own verbs for all that is odd, and its snapshots."""

    def get(self, key: str, default: Any = None) -> Any: ...
    def has(self, key: str) -> bool: ...
    def set(self, key: str, value: bytes, *, ttl: float | None = None) -> None: ...
    def delete(self, key: str) -> bool: ...
    def get_many(self, keys: Iterable[str], default: Any = None) -> list[Any]: ...
    def put_all(self, operation: str, pairs: Iterable[Any], down: Callable[[Any], str], *, clear: bool) -> None: ...
    def snapshot(self, operation: str) -> Any: ...
    def text(self, key: bytes) -> str: ...
    def look(self) -> None: ...

    turns: Turns


def single_key_verbs(store: Engine, handle: SharedHandle, down: Callable[[Any], str]) -> dict[str, Callable[..., Any]]:
    """Return `get` and `has` that take keys as `down` does.

    A transaction that is only read from ends with its last reference, which spares the call to abort it. Whatever goes
    wrong is left to the store's own verb, which repairs it or says what it is.
    """
    encode = str.encode
    begin = handle.begin  # a cell of its own: half the price of an attribute

    def rebind(later: Callable[..., Any]) -> None:
        nonlocal begin
        begin = later

    handle.follow(rebind)

    def get(key: Any, default: Any = None) -> Any:
        try:
            data = encode(key)
            if data[0] != _MARKER:
                return begin().get(data, default)
        except _ODD_OR_FAILED:  # an odd key, or a failure: the store's own verb deals with both
            pass
        return _get_odd(store, down, key, default)

    def has(key: Any) -> bool:
        try:
            data = encode(key)
            if data[0] != _MARKER:
                return begin().get(data) is not None
        except _ODD_OR_FAILED:  # as above
            pass
        return get(key, MISSING) is not MISSING

    return {"get": get, "has": has}


def _get_odd(store: Engine, down: Callable[[Any], str], key: Any, default: Any) -> Any:
    """Get by the store's own verb; a key that no entry can have is absent."""
    try:
        below = down(key)
    except ODD as error:
        raise_unhashable(key, error)
        return default
    return store.get(below, default)


def writing_verbs(
    store: Engine, handle: SharedHandle, lock: Any, down: Callable[[Any], str]
) -> dict[str, Callable[..., Any]]:
    """Return `set` and `delete` that take keys as `down` does. What goes wrong is left to the store's own verb."""
    encode, is_due, look = str.encode, store.turns.is_due, store.look
    begin = handle.begin

    def rebind(later: Callable[..., Any]) -> None:
        nonlocal begin
        begin = later

    handle.follow(rebind)

    def put(key: Any, value: bytes, *, ttl: float | None = None) -> None:
        try:
            data = encode(key)
            if ttl is None and data[0] != _MARKER:
                with lock, begin(None, None, True) as txn:
                    txn.put(data, value)
                    if is_due():
                        look()
                return
        except _ODD_OR_FAILED:
            pass
        store.set(down(key), value, ttl=ttl)

    def delete(key: Any) -> bool:
        try:
            data = encode(key)
            if data[0] != _MARKER:
                with lock, begin(None, None, True) as txn:
                    if is_due():
                        look()
                    return bool(txn.delete(data))
        except _ODD_OR_FAILED:
            pass
        return _delete_odd(store, down, key)

    return {"set": put, "delete": delete}


def _delete_odd(store: Engine, down: Callable[[Any], str], key: Any) -> bool:
    try:
        below = down(key)
    except ODD as error:
        raise_unhashable(key, error)
        return False
    return store.delete(below)


def batch_verbs(store: Engine, handle: SharedHandle, down: Callable[[Any], str]) -> dict[str, Callable[..., Any]]:
    """Return `get_many`, `set_many` and `replace_all` that take keys as `down` does, without a call a plain key."""
    encode = str.encode

    def get_many(keys: Iterable[Any], default: Any = None) -> list[Any]:
        keys = list(keys)
        try:
            data = list(map(encode, keys))
            txn = handle.begin()
            # Where the engine holds no marked key, one that looks marked is absent, as it would be by its stored name.
            if not _holds_marked(txn.cursor()) or not _one_is_marked(data):
                return list(map(txn.get, data) if default is None else map(txn.get, data, repeat(default)))
        except FAILURES:  # odd keys, or a failure: the store's own verb deals with both
            pass
        try:
            return store.get_many(list(map(down, keys)), default)
        except ODD:
            return [_get_odd(store, down, key, default) for key in keys]

    def set_many(pairs: Iterable[tuple[Any, bytes]]) -> None:
        store.put_all("set_many", pairs, down, clear=False)

    def replace_all(pairs: Iterable[tuple[Any, bytes]]) -> None:
        store.put_all("replace_all", pairs, down, clear=True)

    return {"get_many": get_many, "set_many": set_many, "replace_all": replace_all}


@dataclass(frozen=True)
class Batch:
    """Pairs to write, a large number of them in the order of their keys, as a B+ tree takes them fastest.

    Attributes
    ----------
    names : collection of bytes
        The keys as LMDB knows them.
    values : callable
        Returns their values, in the same order.
    """

    names: Collection[bytes]
    values: Callable[[], Iterable[bytes]]

    def put(self, txn: Any) -> None:
        """Put every pair."""
        with txn.cursor() as cursor:
            cursor.putmulti(zip(self.names, self.values(), strict=True))


def batch(pairs: Mapping[Any, bytes] | list[tuple[Any, bytes]], down: Callable[[Any], str]) -> Batch:
    """Return `pairs` as LMDB knows them, keys by `down`; of equal keys the last one wins."""
    try:
        known = pairs if isinstance(pairs, Mapping) else dict(pairs)
        large = len(known) >= _WORTH_SORTING
        keys = sorted(known) if large else known
        names = list(map(str.encode, keys))
        if "" not in known and not _one_is_marked(names):
            return Batch(names, partial(map, known.__getitem__, keys) if large else known.values)
    except (TypeError, UnicodeEncodeError):
        pass  # keys of other kinds, or of several
    data = {down(key).encode() or EMPTY: value for key, value in _pairs_of(pairs)}
    return Batch(data.keys(), data.values)


def _pairs_of(pairs: Mapping[Any, bytes] | list[tuple[Any, bytes]]) -> Iterable[tuple[Any, bytes]]:
    return pairs.items() if isinstance(pairs, Mapping) else pairs


def _one_is_marked(names: list[bytes]) -> bool:
    """Return whether one of `names` may begin with the marker; True also for some that hold it after a NUL."""
    return b"\0" + _MARKED in b"\0".join([b"", *names])


def _holds_marked(cursor: Any) -> bool:
    return bool(cursor.set_range(_MARKED)) and cursor.key() < _AFTER_MARKED


def encode_all(keys: Iterable[str]) -> Iterator[bytes]:
    """Yield keys as LMDB knows them."""
    return (key.encode() or EMPTY for key in keys)


def is_small_dict(pairs: Any) -> TypeGuard[Any]:
    """Return whether `pairs` are the items of a dict, which is then read as it is."""
    return type(pairs) is _DictItems and len(pairs) <= _LARGEST_SORTED


def decode_keys(keys: Iterator[bytes], name: Callable[[bytes], Any], cursor: Any) -> Iterator[Any]:
    """Yield each of `keys` as text, or by `name` where it is no UTF-8."""
    texts = map(bytes.decode, keys)
    while True:
        try:
            yield from texts
        except UnicodeDecodeError:
            yield name(cursor.key())
        else:
            return


def listing_verbs(store: Engine, up: Callable[[str], Any]) -> dict[str, Callable[..., Any]]:
    """Return `iter` and `entries` that give keys as `up` does.

    LMDB lists keys in order, so those that begin with the marker lie side by side: only they are passed through `up`.
    """

    def name(key: bytes) -> Any:
        return up(store.text(key))

    def iterate() -> Iterator[Any]:
        with store.snapshot("iter") as cursor:
            if _holds_marked(cursor):
                cursor.first()
                yield from map(name, takewhile(_AFTER_MARKED.__gt__, cursor.iternext(values=False)))
                some = cursor.set_range(_AFTER_MARKED)
            else:
                some = cursor.first()
            if some:
                yield from decode_keys(cursor.iternext(values=False), name, cursor)

    def entries() -> Iterator[tuple[Any, bytes]]:
        with store.snapshot("entries") as cursor:
            listed = cursor.iternext()
            while chunk := list(islice(listed, _BATCH)):
                if chunk[0][0] >= _AFTER_MARKED and chunk[-1][0] < EMPTY:
                    yield from [(key.decode(), value) for key, value in chunk]
                else:
                    yield from [(name(key), value) for key, value in chunk]

    return {"iter": iterate, "entries": entries}
