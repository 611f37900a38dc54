"""Entries with a tag, which go together."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeVar

from spoonbill.common.equality import python_equal
from spoonbill.common.progress import Progress, with_progress
from spoonbill.common.sentinels import MISSING
from spoonbill.common.text import shortened
from spoonbill.errors import CodecError, StackError
from spoonbill.query import Plan, Query
from spoonbill.store import Store, ValueLayer
from spoonbill.store.binding import given
from spoonbill.store.layering.looking import stack_of, takes

__all__ = ["Tagged"]

K = TypeVar("K")
V = TypeVar("V")

_TAG, _VALUE = "spoonbill__tag", "spoonbill__value"
_BYTES: Final = b"\xe8tag:"
_TEXT: Final = "\x00tag:"
_SIZE: Final = 4
_OF_ONE_KIND: Final = frozenset({"SafetensorsCodec"})  # a codec that holds neither str nor plain dicts


class Tagged(ValueLayer[K, V]):
    """Gives entries a tag when they are written, and removes all entries of a tag at once, as diskcache does.

    The tag stands beside the value: bytes and str behind a few characters, any other value in a small dict. A value
    without a tag is stored as it is, so that the layer can be put over a store that is in use. `set` without a tag
    takes a tag away, `replace` and `increment` keep it.

    `evict` and `tagged` read the whole store, for there is no index. A value that another writer set meanwhile is not
    evicted unless it has the tag.

    Parameters
    ----------
    store : Store
        Any store; a `Codec` goes below it, since tags are given here.

    Examples
    --------
    >>> from spoonbill.datastores import InMemoryStore
    >>> store = Tagged(InMemoryStore())
    >>> store.set("page:1", "<html>", tag="user:ada")
    >>> store.set("page:2", "<html>", tag="user:bob")
    >>> store.tag("page:1"), store.evict("user:ada"), list(store)
    ('user:ada', 1, ['page:2'])
    """

    def __init__(self, store: Store[Any, Any]) -> None:
        super().__init__(store)
        if not _has_room(store):
            raise StackError(
                f"Tagged over {store!r}, which has no room for a tag beside its values. Build it the other way round: "
                f"{_order_below(store)}, and give tags to the Tagged store"
            )

    def order_with(self, other: str) -> str:
        order = super().order_with(other)
        return f"{other}(Tagged({type(self.raw).__name__}(...)))" if other in _OF_ONE_KIND else order

    # -- the envelope ------------------------------------------------------------------------------------------

    def encode(self, value: V, key: K) -> Any:  # noqa: ARG002 - of the base
        return _sealed(value, None)

    def decode(self, data: Any, key: K) -> V:
        value: V = self._opened(data, key)[0]
        return value

    def _opened(self, data: Any, key: K) -> tuple[Any, str | None]:
        try:
            return _opened(data)
        except (ValueError, TypeError) as error:
            raise CodecError(
                f"the value of key {shortened(key)} in {self!r} was not written by a Tagged layer: {error}"
            ) from error

    # -- writes with a tag -------------------------------------------------------------------------------------

    def set(self, key: K, value: V, *, ttl: float | None = None, tag: str | None = None) -> None:
        self.inner.set(key, _sealed(value, tag), **given(ttl=ttl))

    def set_many(self, pairs: Iterable[tuple[K, V]], *, ttl: float | None = None, tag: str | None = None) -> None:
        self.inner.set_many(((key, _sealed(value, tag)) for key, value in pairs), **given(ttl=ttl))

    def add(self, key: K, value: V, *, ttl: float | None = None, tag: str | None = None) -> bool:
        return self.inner.add(key, _sealed(value, tag), **given(ttl=ttl))

    def replace(self, key: K, expected: V, value: V, *, ttl: float | None = None) -> bool:
        while True:
            data = self.inner.get(key, MISSING)
            if data is MISSING:
                return False
            present, tag = self._opened(data, key)
            if not python_equal(present, expected):
                return False
            if self.inner.replace(key, data, _sealed(value, tag), **given(ttl=ttl)):
                return True

    def check(self, key: K, value: V) -> None:
        self.inner.check(key, _sealed(value, None))

    # -- tags --------------------------------------------------------------------------------------------------

    def tag(self, key: K) -> str | None:
        """Return the tag of an entry, None where it has none.

        Raises
        ------
        KeyError
            If the key is absent.
        """
        data = self.inner.get(key, MISSING)
        if data is MISSING:
            raise KeyError(key)
        return self._opened(data, key)[1]

    def tagged(self, tag: str) -> list[K]:
        """Return the keys of the entries with a tag."""
        return [key for key, data in self.inner.entries() if self._opened(data, key)[1] == tag]

    def evict(self, tag: str, *, progress: Progress = False) -> int:
        """Remove every entry with a tag, beside readers and writers, and return how many it was.

        Parameters
        ----------
        tag : str
            The tag.
        progress : bool or callable, optional
            True shows a progress bar; a callable is called with the number of entries looked at.
        """
        entries = with_progress(self.inner.entries(), progress, "evicting")
        doomed = [key for key, data in entries if self._opened(data, key)[1] == tag]
        return sum(self._evicted(key, tag) for key in doomed)

    def _evicted(self, key: K, tag: str) -> bool:
        while True:
            data = self.inner.get(key, MISSING)
            if data is MISSING or self._opened(data, key)[1] != tag:
                return False
            if self.inner.discard(key, data):
                return True

    def plan(self, query: Query) -> Plan:
        return self._below(query, "takes tags off values")


def _has_room(store: Store[Any, Any]) -> bool:
    return any(takes(store, _sealed(sample, "tag")) for sample in (b"", "", None))


def _order_below(store: Store[Any, Any]) -> str:
    """Return the order in which the innermost layer that has no room for tags stands on them."""
    *_, narrow = (below for below in stack_of(store) if not _has_room(below))
    name = type(narrow).__name__
    return f"{name}(Tagged({type(store.raw).__name__}(...)))" if name in _OF_ONE_KIND else f"{name}(Tagged(...))"


def _sealed(value: Any, tag: str | None) -> Any:
    if tag is not None and (not isinstance(tag, str) or not tag):
        raise ValueError(f"a tag is a str of at least one character, not {tag!r}")
    name = tag or ""
    if isinstance(value, bytes):
        if tag is None and not value.startswith(_BYTES):
            return value
        written = name.encode("utf-8", "surrogatepass")
        return _BYTES + len(written).to_bytes(_SIZE, "big") + written + value
    if isinstance(value, str):
        return value if tag is None and not value.startswith(_TEXT) else f"{_TEXT}{len(name)}:{name}{value}"
    looks_sealed = isinstance(value, Mapping) and value.keys() == {_TAG, _VALUE}
    return value if tag is None and not looks_sealed else {_TAG: name, _VALUE: value}


def _opened(data: Any) -> tuple[Any, str | None]:
    """Return the value and the tag of what is stored."""
    if isinstance(data, bytes) and data.startswith(_BYTES):
        start = len(_BYTES) + _SIZE
        end = start + int.from_bytes(data[len(_BYTES) : start], "big")
        if len(data) < end:
            raise ValueError("it is too short")
        return data[end:], data[start:end].decode("utf-8", "surrogatepass") or None
    if isinstance(data, str) and data.startswith(_TEXT):
        length, _, rest = data[len(_TEXT) :].partition(":")
        return rest[int(length) :], rest[: int(length)] or None
    if isinstance(data, Mapping) and data.keys() == {_TAG, _VALUE}:
        return data[_VALUE], data[_TAG] or None
    return data, None
