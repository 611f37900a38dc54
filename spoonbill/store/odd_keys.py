"""Reading with a key that no entry can have: as with an absent one, as a dict does it."""

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, Final

from spoonbill.common.sentinels import RAISE, absent
from spoonbill.errors import InvalidKeyError, KeyTooLongError

__all__ = ["ODD", "READERS", "raise_unhashable"]

ODD: Final = (InvalidKeyError, KeyTooLongError)
"""What a store raises of a key that no entry of it can have."""


def raise_unhashable(key: Any, error: Exception) -> None:
    """Raise `error` where `key` has no hash, so that a dict would raise too; any other odd key is just absent."""
    try:
        hash(key)
    except TypeError:
        raise error from None


def _get(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def get(self: Any, key: Any, default: Any = None) -> Any:
        try:
            return function(self, key, default)
        except ODD as error:
            raise_unhashable(key, error)
            return default

    return get


def _pop(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def pop(self: Any, key: Any, default: Any = RAISE) -> Any:
        try:
            return function(self, key, default)
        except ODD as error:
            raise_unhashable(key, error)
            return absent(key, default)

    return pop


def _tell(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def tell(self: Any, key: Any) -> Any:
        try:
            return function(self, key)
        except ODD as error:
            raise_unhashable(key, error)
            return False

    return tell


def _get_many(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def get_many(self: Any, keys: Iterable[Any], default: Any = None) -> Any:
        keys = list(keys)
        try:
            return function(self, keys, default)
        except ODD:
            return [self.get(key, default) for key in keys]

    return get_many


def _delete_many(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def delete_many(self: Any, keys: Iterable[Any]) -> Any:
        keys = list(keys)
        try:
            return function(self, keys)
        except ODD:
            return sum(1 for key in keys if self.delete(key))

    return delete_many


READERS: Final[dict[str, Callable[[Callable[..., Any]], Callable[..., Any]]]] = {
    "get": _get,
    "has": _tell,
    "pop": _pop,
    "delete": _tell,
    "get_many": _get_many,
    "delete_many": _delete_many,
}
"""For each verb that takes keys and stores none, what makes it answer for odd keys too."""
