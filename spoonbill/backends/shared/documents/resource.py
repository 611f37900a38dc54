"""Where an engine keeps documents, a table or a container, which may have to be made first."""

from abc import ABC, abstractmethod
from typing import TypeVar

from spoonbill.backends.shared import Connection
from spoonbill.common.locks import waiting_lock
from spoonbill.errors import StoreError

__all__ = ["Resource", "readable", "writable"]

R = TypeVar("R", bound="Resource")


class Resource(ABC):
    """A table or container, looked at when it is first used, and made when it is first written.

    Parameters
    ----------
    create : bool
        Whether it may be made.
    """

    def __init__(self, *, create: bool) -> None:
        self._create = create
        self._there = False
        self._lock = waiting_lock()

    @abstractmethod
    def describe(self) -> bool:
        """Return whether the engine has it. Raise `StoreError` where it has one that a store cannot use."""

    @abstractmethod
    def make(self) -> None:
        """Make it, and return when it can be written. That somebody else made it meanwhile is no error."""

    @abstractmethod
    def missing(self) -> str:
        """Return what the error says where it is not there and must not be made."""

    def check(self) -> bool:
        """Return whether it is there.

        Raises
        ------
        StoreError
            If it is not and must not be made, or if a store cannot use it.
        """
        if not self._there:
            with self._lock:
                self._there = self.describe()
        if not self._there and not self._create:
            raise StoreError(self.missing())
        return self._there

    def ensure(self) -> None:
        """Make it where it is not there."""
        if self.check():
            return
        with self._lock:
            self.make()
            self._there = self.describe()

    def invalidate(self) -> None:
        """Look again at the next use: it went away."""
        self._there = False


def readable(connection: Connection[R]) -> R | None:
    """Return the table, None where it is not made yet, so that there is nothing to read."""
    resource = connection()
    return resource if resource.check() else None


def writable(connection: Connection[R]) -> R:
    """Return the table, made where it was not there."""
    resource = connection()
    resource.ensure()
    return resource
