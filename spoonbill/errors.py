"""The errors that spoonbill raises: one small tree, each also the builtin that a caller would expect.

::

    SpoonbillError
    ├── InvalidKeyError (TypeError)        a key of a kind that cannot be a key here
    ├── KeyTooLongError (ValueError)       a key longer than the engine holds
    ├── KeyDecodeError (ValueError)        a stored key that this store's key scheme did not write
    ├── ValueTooLargeError (ValueError)    a value larger than the engine holds
    ├── CodecError (ValueError)            a value that a codec cannot hold, or bytes that it cannot read
    ├── QueryError (TypeError, ValueError) a pattern or condition that means nothing
    ├── StackError (TypeError)             layers in an order that cannot work
    ├── ReadOnlyError (TypeError, NotImplementedError)   a write to a store that only reads
    ├── UnsupportedError (TypeError)       an option that this store cannot honour
    ├── SnapshotError (ValueError)         a snapshot that is torn, corrupted or not a snapshot
    ├── MissingExtraError (ImportError)    an engine's client is not installed
    ├── PluginError (ImportError)          an installed package adds an engine or a layer that cannot be had
    └── StoreError (OSError)               the engine failed; its own error is the ``__cause__``
        ├── ConflictError                  another writer was faster than an edit
        ├── LockedError                    a lock that another holds
        ├── FullError                      a store that has as many entries or bytes as it may
        ├── ClosedError (ValueError)       the store was closed
        ├── UnansweredError                a write was sent and its answer was lost: it may have been done
        └── PartialWriteError              a batch was written in part; it tells which part

Absence is none of these: it is the plain ``KeyError`` of a dict. A message says what happened, to which key, in which
store, and what to do about it.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any


class SpoonbillError(Exception):
    """The base of every error that spoonbill raises on its own account."""


class InvalidKeyError(SpoonbillError, TypeError):
    """A key of a kind that this store cannot use as a key."""


class KeyTooLongError(SpoonbillError, ValueError):
    """A key that is longer than the engine can hold."""


class KeyDecodeError(SpoonbillError, ValueError):
    """A stored key that the store's key scheme would not have written.

    Attributes
    ----------
    raw : str or None
        The key as the engine holds it.
    """

    raw: str | None = None

    def __init__(self, message: str, raw: str | None = None) -> None:
        super().__init__(message)
        self.raw = raw

    def __reduce__(self) -> tuple[type["KeyDecodeError"], tuple[str, str | None]]:
        return type(self), (str(self), self.raw)


class ValueTooLargeError(SpoonbillError, ValueError):
    """A value that is larger than the engine can hold."""


class CodecError(SpoonbillError, ValueError):
    """A value that a codec cannot hold, or bytes that it cannot read back."""


class QueryError(SpoonbillError, TypeError, ValueError):
    """A pattern or a condition that has no meaning."""


class StackError(SpoonbillError, TypeError):
    """Layers stacked in an order that cannot work."""


class ReadOnlyError(SpoonbillError, TypeError, NotImplementedError):
    """A write to a store that only reads."""


class UnsupportedError(SpoonbillError, TypeError):
    """An option that this store cannot honour."""


class SnapshotError(SpoonbillError, ValueError):
    """A file that is no snapshot, or one that is torn or corrupted."""


class MissingExtraError(SpoonbillError, ImportError):
    """The client of an engine is not installed."""


class PluginError(SpoonbillError, ImportError):
    """An installed package adds an engine or a layer whose row cannot be read, or whose name is taken."""


class StoreError(SpoonbillError, OSError):
    """The engine failed. Its own error is chained as ``__cause__``."""


class ClosedError(StoreError, ValueError):
    """The store was closed before this call."""


class UnansweredError(StoreError):
    """A write was sent and its answer never came: it may have been done, or not. Read the key to find out.

    A write that is not safe to repeat (`add`, `replace`, `pop`, `delete`) is then not sent again: the repetition would
    meet the effect of the first one and give a wrong answer.
    """


class ConflictError(StoreError):
    """Another writer changed a value while it was edited."""


class LockedError(StoreError):
    """A lock is held by another, and was not released in time."""


class FullError(StoreError):
    """A store that has as many entries, or bytes, as it may."""


class PartialWriteError(StoreError):
    """A call with many entries stopped after some of them were written.

    Attributes
    ----------
    done : int
        How many of the given entries were written: all from the first up to the batch that failed, save `failed`.
    failed : tuple
        The keys of that batch that were not written, or of which that is not known. Nothing after it was tried.
    """

    done: int = 0
    failed: tuple[Any, ...] = ()

    def __init__(self, message: str, *, done: int = 0, failed: tuple[Any, ...] = ()) -> None:
        super().__init__(message)
        self.done = done
        self.failed = failed

    def __reduce__(self) -> tuple[Any, ...]:
        return partial(type(self), done=self.done, failed=self.failed), (str(self),)


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and all that it came from, each once."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
