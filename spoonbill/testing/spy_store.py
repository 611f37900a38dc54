"""A store to put under a layer, which tells what reached it."""

from collections.abc import Iterable, Iterator
from typing import Any

from spoonbill.common.sentinels import MISSING
from spoonbill.errors import StoreError
from spoonbill.store import Store

__all__ = ["SpyStore"]


class SpyStore(Store[str, Any]):
    """A store in memory that keeps a list of the verbs that reach it, and fails where it is told to.

    Attributes
    ----------
    calls : list of str
        The verbs in the order of their calls.
    broken : bool
        True makes every verb raise `StoreError`.

    Examples
    --------
    >>> store = SpyStore()
    >>> store["a"] = b"1"
    >>> store.calls
    ['set']
    """

    def __init__(self) -> None:
        self.data: dict[str, Any] = {}
        self.calls: list[str] = []
        self.broken = False

    def _called(self, verb: str) -> None:
        self.calls.append(verb)
        if self.broken:
            raise StoreError(f"{verb} failed in {self!r}: it was told to fail. Set broken to False")

    def get(self, key: str, default: Any = None) -> Any:
        self._called("get")
        return self.data.get(key, default)

    def set(self, key: str, value: Any) -> None:
        self._called("set")
        self.data[key] = value

    def delete(self, key: str) -> bool:
        self._called("delete")
        return self.data.pop(key, MISSING) is not MISSING

    def iter(self) -> Iterator[str]:
        self._called("iter")
        return iter(list(self.data))

    def get_many(self, keys: Iterable[str], default: Any = None) -> list[Any]:
        self._called("get_many")
        return [self.data.get(key, default) for key in keys]

    def set_many(self, pairs: Iterable[tuple[str, Any]]) -> None:
        self._called("set_many")
        self.data.update(pairs)

    def delete_many(self, keys: Iterable[str]) -> int:
        self._called("delete_many")
        return sum(self.data.pop(key, MISSING) is not MISSING for key in keys)
