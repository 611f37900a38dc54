"""What an engine of documents is asked for, by name, and the errors that it raises."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Generic, TypeVar
from weakref import ref

from spoonbill.backends.shared.documents.escape import KeyEscape
from spoonbill.backends.shared.documents.model import is_sound
from spoonbill.backends.shared.documents.pushdown import Pushdown, PushedQuery
from spoonbill.backends.shared.documents.scheme import DocumentScheme
from spoonbill.common.batching import batches
from spoonbill.common.error_guide import ErrorGuide
from spoonbill.common.sentinels import MISSING
from spoonbill.common.text import shortened
from spoonbill.errors import (
    ClosedError,
    InvalidKeyError,
    KeyDecodeError,
    KeyTooLongError,
    SpoonbillError,
    StoreError,
    ValueTooLargeError,
)
from spoonbill.query import Part, Query
from spoonbill.store import Store
from spoonbill.store.binding import no_ttl

__all__ = ["DocumentEngine", "UnwrittenError"]

F = TypeVar("F")


class UnwrittenError(Exception):
    """A batch that was written in part.

    Attributes
    ----------
    names : list
        The names of the documents that were not written.
    cause : Exception
        Why.
    """

    def __init__(self, names: list[Any], cause: Exception) -> None:
        super().__init__(str(cause))
        self.names = names
        self.cause = cause


class DocumentEngine(ABC, Generic[F]):
    """What an engine writes; `DocumentBackend` makes every verb of it.

    The hooks take names of documents, and fields without the key; those to be written as `fit` returned them. They
    may raise any error of the client, which the engine's `guide` turns into one of our tree.

    Parameters
    ----------
    store : Store
        The store that this is the engine of: its errors name it.

    Attributes
    ----------
    scheme : DocumentScheme
        How values are held.
    pushdown : Pushdown
        How searches become filters.
    largest : int
        The bytes of the largest document.
    read_batch, write_batch, delete_batch : int
        How many documents go in one call.
    ends_in_fields : bool
        Whether a document that expires holds its end in a field, which `left_of` takes out.
    """

    scheme: DocumentScheme
    pushdown: Pushdown[F]
    largest: ClassVar[int]
    read_batch: ClassVar[int] = 100
    write_batch: ClassVar[int] = 500
    delete_batch: ClassVar[int] = 500
    ends_in_fields: ClassVar[bool] = False

    def __init__(self, store: Store[Any, Any]) -> None:
        self._store = ref(store)  # which holds this engine

    @property
    def store(self) -> Store[Any, Any]:
        """The store that this is the engine of."""
        store = self._store()
        if store is None:
            raise ReferenceError("the store of this engine is gone")
        return store

    def __repr__(self) -> str:
        return repr(self.store)

    # -- keys, sizes, errors: written by an engine -------------------------------------------------------------

    @abstractmethod
    def name_of(self, key: Any) -> Any:
        """Return the engine's name of the document of `key`: hashable, equal for equal keys.

        Raises
        ------
        InvalidKeyError
            If it cannot be a key here.
        KeyTooLongError
            If no document can have that name.
        """

    @abstractmethod
    def key_of(self, name: Any) -> Any:
        """Return the key of a document's name, or raise `KeyDecodeError` where no key has it."""

    def document_of(self, name: Any, key: Any, value: Any) -> Any:
        """Return the document of a value as this engine's other hooks take it.

        Raises
        ------
        CodecError
            If the value is no document.
        ValueTooLargeError
            If the engine cannot hold it.
        """
        return self.fit(name, key, self.scheme.dump(value))

    @abstractmethod
    def fit(self, name: Any, key: Any, document: dict[str, Any]) -> Any:
        """Return the document as this engine's other hooks take it.

        Raises
        ------
        ValueTooLargeError
            If the engine cannot hold it.
        """

    @property
    @abstractmethod
    def guide(self) -> ErrorGuide:
        """What the errors of the client mean."""

    @abstractmethod
    def close(self) -> None:
        """Release what the engine itself opened."""

    @property
    @abstractmethod
    def client(self) -> Any:
        """The client that the engine talks by, connected."""

    def knock(self) -> None:
        """Ask the service for as little as can be, and wait for its answer."""
        next(self.listing(None, keys_only=True, limit=1), None)

    # -- one document: written by an engine --------------------------------------------------------------------

    @abstractmethod
    def find(self, name: Any) -> Any:
        """Return the fields of a document, or what `load` takes in their place; None where it is absent."""

    @abstractmethod
    def knows(self, name: Any) -> bool:
        """Return whether there is such a document, without transferring it."""

    @abstractmethod
    def write(self, name: Any, document: dict[str, Any]) -> None:
        """Write a document in place of whatever has its name."""

    @abstractmethod
    def insert(self, name: Any, document: dict[str, Any]) -> bool:
        """Write a document where none has its name, in one step of the engine. Return whether it was written."""

    @abstractmethod
    def erase(self, name: Any) -> bool:
        """Delete a document. Return whether it was there."""

    @abstractmethod
    def take(self, name: Any) -> Any:
        """Delete a document and return what it was, in one step of the engine."""

    @abstractmethod
    def swap(self, name: Any, fits: Callable[[Any], bool], document: dict[str, Any]) -> bool:
        """Write a document where the one there fits and has not changed since it was looked at.

        Look again where it did change. Return False where there is none, or it does not fit.
        """

    # -- many documents: written by an engine ------------------------------------------------------------------

    @abstractmethod
    def fetch(self, names: list[Any]) -> dict[Any, Any]:
        """Return the fields of those documents that are there, by name. The names are all different."""

    @abstractmethod
    def put(self, documents: dict[Any, dict[str, Any]]) -> None:
        """Write documents, each in place of what had its name. Raise `UnwrittenError` where some were not."""

    @abstractmethod
    def remove(self, names: list[Any]) -> int:
        """Delete documents; return how many were there. Raise `UnwrittenError` where some were not deleted."""

    @abstractmethod
    def listing(
        self,
        native: F | None,
        *,
        keys_only: bool = False,
        limit: int | None = None,
        page: int | None = None,
    ) -> Iterator[tuple[Any, Any]]:
        """Yield names and fields (empty where `keys_only`) of what the filter lets pass, lazily.

        `limit`: more are not wanted. `page`: so many would do at first, if they match.
        """

    @abstractmethod
    def explain_scan(self, pushed: PushedQuery[F], query: Query) -> str:
        """Return what a scan reads, and what the service bills for."""

    @abstractmethod
    def size(self) -> int:
        """Return the number of documents, without transferring them."""

    # -- what an engine may do better --------------------------------------------------------------------------

    def load(self, found: Any) -> Any:
        """Return the value of what `find`, `fetch`, `take` and `listing` gave for a document.

        Raises
        ------
        CodecError
            If it cannot be read.
        """
        return self.scheme.load(found)

    def left_of(self, found: Any) -> float | None:  # noqa: ARG002 - for engines
        """Take the expiry out of a document's fields, and return how many seconds are left, None where it stays."""
        return None

    def is_over(self, found: Any) -> bool:
        """Take the expiry out of a document's fields, and return whether it is over."""
        left = self.left_of(found)
        return left is not None and left <= 0

    def expiring(self, document: Any, ttl: float) -> Any:  # noqa: ARG002 - for engines
        """Return a document, as `fit` returned it, that expires `ttl` seconds after it is written.

        Raises
        ------
        UnsupportedError
            If entries do not expire here.
        """
        raise no_ttl(self.store)

    def prepare(self) -> None:
        """Find out what a value or a search is written by, where that depends on the table."""

    def empty(self) -> None:
        """Delete every document, in batches; an engine that has a call for it says so."""
        for names in batches([name for name, _ in self.listing(None, keys_only=True)], self.delete_batch):
            self.remove(names)

    def split(self, count: int) -> list[Part]:  # noqa: ARG002 - for engines
        """Return 1 to `count` parts of its own kind, which its `Pushdown.part` reads; none where it knows no such kind.

        A document that is there all the time is in exactly one of them, whatever is written beside.
        """
        return []

    def note(self, error: Exception) -> None:
        """Take notice of an error of the client, such as that a table went away."""

    # -- errors ------------------------------------------------------------------------------------------------

    def failure(self, operation: str, key: Any, error: Exception, remedy: str) -> StoreError:
        """Return the error of an operation that failed for another reason than the guide knows."""
        return self.store._failure(operation, key, error, remedy)  # noqa: SLF001 - the engine speaks for its store

    def closed_error(self) -> ClosedError:
        """Return the error of a call after the store was closed."""
        return self.store._closed_error()  # noqa: SLF001 - the engine speaks for its store

    def translated(self, operation: str, key: Any, error: Exception) -> Exception:
        """Return an error of the client as one of our tree; an error that is ours, or no client's, as it is."""
        guide = self.guide
        if isinstance(error, SpoonbillError) or not guide.is_of_client(error):
            return error
        self.note(error)
        if guide.is_too_large(error):
            return self.too_large(key, None)
        return self.store._failure(  # noqa: SLF001 - the engine speaks for its store
            operation,
            key,
            _as_exception(guide.cause_of(error)),
            guide.remedy_for(error),
            unanswered=guide.is_unanswered(error),
        )

    def escaped(self, key: Any, escape: KeyEscape, longest: int) -> str:
        """Return the name of a text key, where names escape some characters and have at most `longest` bytes."""
        if not isinstance(key, str) or not is_sound(key):
            raise self.no_key(key, "a str of valid text")
        name = escape.down(str.__str__(key))
        size = len(name) if name.isascii() else len(name.encode())
        if size > longest:
            raise self.too_long(key, size, longest)
        return name

    def unescaped(self, name: Any, escape: KeyEscape) -> str:
        """Return the key whose name :meth:`escaped` made."""
        try:
            return escape.up(name)
        except (ValueError, TypeError) as error:
            raise self.no_name(name, str(error)) from error

    def no_key(self, key: Any, kinds: str) -> InvalidKeyError:
        """Return the error for a key of a kind that cannot be a key here."""
        return InvalidKeyError(
            f"{self!r}: a key is {kinds}, not {type(key).__name__} {shortened(key)}; a store with "
            "strict=False on a table or collection of its own holds any key"
        )

    def no_name(self, name: Any, reason: str) -> KeyDecodeError:
        """Return the error for a name that another program gave and no key has."""
        return KeyDecodeError(
            f"{self!r} holds a document named {shortened(name)}, which this store would not have written: {reason}; "
            "read it with the engine's own client",
            str(name),
        )

    def too_long(self, key: Any, size: int, most: int) -> KeyTooLongError:
        """Return the error for a key that is longer than the engine holds."""
        return KeyTooLongError(
            f"{self!r}: key {shortened(key)} is {size} bytes long, the engine holds {most}; shorten it, or keep it in "
            "the value under a hash"
        )

    def too_large(self, key: Any, size: int | None) -> ValueTooLargeError:
        """Return the error for a document that is larger than the engine holds."""
        measured = "too large" if size is None else f"{size:,} bytes"
        on_key = "" if key is MISSING else f" of key {shortened(key)}"
        return ValueTooLargeError(
            f"set{on_key} in {self!r}: the document is {measured}, the engine holds {self.largest:,} bytes; "
            "split it over several keys, or keep the large part in a file store and its name here"
        )


def _as_exception(error: BaseException) -> Exception:
    if isinstance(error, Exception):
        return error
    raise error
