"""Entries that are written once and stay."""

from collections.abc import Iterable
from typing import Any, Never, TypeVar

from spoonbill.common.text import shortened
from spoonbill.errors import ReadOnlyError
from spoonbill.store import Layer
from spoonbill.store.binding import given

__all__ = ["WriteOnce"]

K = TypeVar("K")
V = TypeVar("V")


class WriteOnce(Layer[K, V]):
    """A store whose entries can be added, and neither replaced nor removed: a log, an archive, a register.

    A write to a key that is there raises `ReadOnlyError`, also where two write it at once: `set` is the store's own
    `add`. What goes to the store inside past this layer is not seen by it.

    Parameters
    ----------
    store : Store
        Any store.

    Examples
    --------
    >>> from spoonbill.datastores import InMemoryStore
    >>> log = WriteOnce(InMemoryStore())
    >>> log["2026-01-01"] = "begun"
    >>> log.add("2026-01-01", "again")
    False
    """

    def _refuse(self, operation: str, key: Any) -> Never:
        raise ReadOnlyError(
            f"{operation} of key {shortened(key)} refused: {self!r} keeps what was written once; use another key"
        )

    def set(self, key: K, value: V, *, ttl: float | None = None) -> None:
        if not self.inner.add(key, value, **given(ttl=ttl)):
            self._refuse("set", key)

    def set_many(self, pairs: Iterable[tuple[K, V]], *, ttl: float | None = None) -> None:
        for key, value in pairs:
            self.set(key, value, ttl=ttl)

    def add(self, key: K, value: V, *, ttl: float | None = None) -> bool:
        return self.inner.add(key, value, **given(ttl=ttl))

    def replace(self, key: K, expected: V, value: V, *, ttl: float | None = None) -> bool:  # noqa: ARG002 - refused
        self._refuse("replace", key)

    def increment(self, key: K, by: float = 1, *, ttl: float | None = None) -> Any:  # noqa: ARG002 - refused
        self._refuse("increment", key)

    def touch(self, key: K, ttl: float | None) -> bool:  # noqa: ARG002 - refused
        self._refuse("touch", key)

    def delete(self, key: K) -> bool:
        self._refuse("delete", key)

    def delete_many(self, keys: Iterable[K]) -> int:
        for key in keys:
            self._refuse("delete_many", key)
        return 0

    def discard(self, key: K, expected: V) -> bool:  # noqa: ARG002 - refused
        self._refuse("discard", key)

    def pop(self, key: K, default: Any = None) -> Any:  # noqa: ARG002 - refused
        self._refuse("pop", key)

    def clear(self) -> None:
        raise ReadOnlyError(f"clear refused: {self!r} keeps what was written once")

    def replace_all(self, pairs: Iterable[tuple[K, V]]) -> None:  # noqa: ARG002 - refused
        raise ReadOnlyError(f"replace_all refused: {self!r} keeps what was written once; use update for new keys")

    leaves = (
        "get",
        "has",
        "count",
        "iter",
        "get_many",
        "entries",
        "select",
        "plan",
        "split",
        "canonical",
        "ttl",
        "ping",
        "flush",
        "close",
    )

    def check(self, key: K, value: V) -> None:
        if self.inner.has(key):
            self._refuse("set", key)
        self.inner.check(key, value)
