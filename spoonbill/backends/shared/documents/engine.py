"""What an engine of documents is asked for, by name, and the errors that it raises."""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator
from typing import Any, ClassVar, Generic, TypeVar

from spoonbill.backends.shared.documents.pushdown import Pushdown, PushedQuery
from spoonbill.backends.shared.documents.scheme import DocumentScheme
from spoonbill.common.text import shortened
from spoonbill.errors import InvalidKeyError, KeyDecodeError, KeyTooLongError, ValueTooLargeError
from spoonbill.query import Query

__all__ = ["DocumentHooks", "UnwrittenError"]

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


class DocumentHooks(Generic[F]):
    """What an engine writes; `DocumentBackend` makes every verb of it.

    The hooks take names of documents, and fields without the key; those to be written as `sealed` returned them. They
    may raise any error of the client, which `mapped` turns into one of our tree.

    Attributes
    ----------
    scheme : DocumentScheme
        How values are held.
    narrower : Pushdown
        How searches become filters.
    read_batch, write_batch, delete_batch : int
        How many documents go in one call.
    """

    scheme: DocumentScheme
    pushdown: Pushdown[F]
    read_batch: ClassVar[int] = 100
    write_batch: ClassVar[int] = 500
    delete_batch: ClassVar[int] = 500

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

    @abstractmethod
    def sealed(self, name: Any, key: Any, document: dict[str, Any]) -> Any:
        """Return the document as this engine's other hooks take it.

        Raises
        ------
        ValueTooLargeError
            If the engine cannot hold it.
        """

    @abstractmethod
    def mapped(self, operation: str, key: Any, error: Exception) -> Exception:
        """Return the error of our tree for an error of the client, and any other error as it is."""

    # -- one document: written by an engine --------------------------------------------------------------------

    @abstractmethod
    def find(self, name: Any) -> dict[str, Any] | None:
        """Return the fields of a document, None where it is absent."""

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
    def take(self, name: Any) -> dict[str, Any] | None:
        """Delete a document and return what it was, in one step of the engine."""

    @abstractmethod
    def swap(self, name: Any, fits: Callable[[dict[str, Any]], bool], document: dict[str, Any]) -> bool:
        """Write a document where the one there fits and has not changed since it was looked at.

        Look again where it did change. Return False where there is none, or it does not fit.
        """

    # -- many documents: written by an engine ------------------------------------------------------------------

    @abstractmethod
    def fetch(self, names: list[Any]) -> dict[Any, dict[str, Any]]:
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
        narrowed: F | None,
        *,
        keys_only: bool = False,
        limit: int | None = None,
        page: int | None = None,
        **share: Any,
    ) -> Iterator[tuple[Any, dict[str, Any]]]:
        """Yield names and fields (empty where `keys_only`) of what the filter lets pass, lazily.

        `limit`: more are not wanted. `page`: so many would do at first, if they match. `share`: what the engine gave to
        a `ScanPartition`.
        """

    @abstractmethod
    def explain_scan(self, narrowing: PushedQuery[F], query: Query) -> str:
        """Return what a scan reads, and what the service bills for."""

    @abstractmethod
    def size(self) -> int:
        """Return the number of documents, without transferring them."""

    @abstractmethod
    def empty(self) -> None:
        """Delete every document."""

    @abstractmethod
    def scan_shares(self, count: int) -> list[Iterable[Any]]:
        """Return `count` iterables of keys that share out all of them."""

    # -- errors ------------------------------------------------------------------------------------------------

    def no_key(self, key: Any, kinds: str) -> InvalidKeyError:
        """Return the error for a key of a kind that cannot be a key here."""
        return InvalidKeyError(
            f"{self!r}: a key is {kinds}, not {type(key).__name__} {shortened(key)}; strict=False holds any key"
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

    def too_large(self, key: Any, size: int | None, most: int) -> ValueTooLargeError:
        """Return the error for a document that is larger than the engine holds."""
        measured = "too large" if size is None else f"{size:,} bytes"
        return ValueTooLargeError(
            f"set of key {shortened(key)} in {self!r}: the document is {measured}, the engine holds {most:,} bytes; "
            "split it over several keys, or keep the large part in a file store and its name here"
        )
