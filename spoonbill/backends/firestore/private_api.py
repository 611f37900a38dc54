"""The way to Firestore: the calls that a store makes, each with a deadline, over the connection of the client."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from google.api_core import exceptions
from google.api_core.retry import Retry, if_exception_type
from google.cloud.firestore_v1 import types

from spoonbill.backends.firestore.wire import fill, from_wire
from spoonbill.backends.shared.backoff import attempts
from spoonbill.backends.shared.documents import EXPIRY

__all__ = ["FirestoreConnection", "portions"]

_BATCH: Final = 500
_MOST_BYTES: Final = 9 << 20
"""Bytes of writes in a call; the service takes 10 MiB with everything around them."""

_NEVER_DONE: Final = (exceptions.ResourceExhausted, exceptions.Aborted)
_TRANSIENT: Final = (
    *_NEVER_DONE,
    exceptions.ServiceUnavailable,
    exceptions.InternalServerError,
    exceptions.BadGateway,
)
_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 5.0
_LAST_BEGINS: Final = 0.8
"""The part of the time for a call after which no repetition begins: one that had no time left would end without an
answer, and hide what the service said before."""

_refusal: Final[Any] = exceptions.from_grpc_status
_Write: Final[Any] = types.Write.pb()


class FirestoreConnection:
    """The collection of a store, through one client.

    The client's own face offers no deadline for every call, and copies each document several times; so the calls go
    through the service's generated interface, which it holds.

    Parameters
    ----------
    client : google.cloud.firestore.Client
        The client.
    path : str
        The path of the collection.
    timeout : float
        Seconds that a call may take, with all its repetitions.
    """

    def __init__(self, client: Any, path: str, timeout: float) -> None:
        self.client = client
        self.api = client._firestore_api  # noqa: SLF001 - see above
        self.database: str = client._database_string  # noqa: SLF001
        self._metadata = client._rpc_metadata  # noqa: SLF001
        above, _, self.collection = path.rpartition("/")
        self.parent = f"{self.database}/documents" + (f"/{above}" if above else "")
        self.root = f"{self.parent}/{self.collection}"
        self._timeout = timeout
        self._patient = self._patience(_TRANSIENT)
        self._careful = self._patience(_NEVER_DONE)

    def _patience(self, kinds: tuple[type[Exception], ...]) -> dict[str, Any]:
        again = Retry(
            predicate=if_exception_type(*kinds),
            initial=_FIRST_PAUSE,
            maximum=_LONGEST_PAUSE,
            timeout=self._timeout * _LAST_BEGINS,
        )
        return {"retry": again, "timeout": self._timeout, "metadata": self._metadata}

    # -- reading -----------------------------------------------------------------------------------------------

    def read(self, names: Iterable[str], *, only_names: bool = False) -> list[tuple[str, dict[str, Any], Any]]:
        """Return name, fields and time of the last change of each document; of the fields the expiry, or all."""
        request = types.BatchGetDocumentsRequest.pb()(
            database=self.database, documents=[f"{self.root}/{name}" for name in names]
        )
        if only_names:
            request.mask.field_paths.append(EXPIRY)
        answers = self.api.batch_get_documents(types.BatchGetDocumentsRequest.wrap(request), **self._patient)
        messages = map(types.BatchGetDocumentsResponse.pb, answers)
        return [
            (*self.loaded(message.found), message.found.update_time)
            for message in messages
            if message.HasField("found")
        ]

    def ask(self, query: Any, read_time: Any) -> tuple[list[Any], Any]:
        """Return the documents that answer a query, as messages, and the time as of which they were read."""
        request = types.RunQueryRequest.pb()(parent=self.parent, structured_query=query)
        if read_time is not None:
            request.read_time.CopyFrom(read_time)
        found: list[Any] = []
        at = read_time
        for answer in self.api.run_query(types.RunQueryRequest.wrap(request), **self._patient):
            message = types.RunQueryResponse.pb(answer)
            at = message.read_time
            if message.HasField("document"):
                found.append(message.document)
        return found, at

    def count(self, query: Any) -> int:
        """Return how many documents answer a query."""
        request = types.RunAggregationQueryRequest.pb()(parent=self.parent)
        request.structured_aggregation_query.structured_query.CopyFrom(query)
        request.structured_aggregation_query.aggregations.add(alias="all").count.SetInParent()
        answers = self.api.run_aggregation_query(types.RunAggregationQueryRequest.wrap(request), **self._patient)
        return sum(answer.result.aggregate_fields["all"].integer_value for answer in answers)

    def loaded(self, document: Any) -> tuple[str, dict[str, Any]]:
        """Return name and fields of a document's message."""
        refer = self._refer
        fields = {field: from_wire(value, refer) for field, value in document.fields.items()}
        return document.name[len(self.root) + 1 :], fields

    # -- writing -----------------------------------------------------------------------------------------------

    def writing(self, name: str, document: dict[str, Any]) -> Any:
        """Return the message of a write in place of whatever has the name."""
        message = _Write()
        message.update.name = f"{self.root}/{name}"
        fields = message.update.fields
        for field, value in document.items():
            fill(fields[field], value, self.database)
        return message

    def deletion(self, name: str) -> Any:
        """Return the message of a deletion."""
        return _Write(delete=f"{self.root}/{name}")

    def write(self, message: Any) -> None:
        """Do one write, again where it is not known whether it was done."""
        self._commit(message, self._patient)

    def create(self, message: Any) -> bool:
        """Do one write where there is no document of that name. Return whether it was done."""
        message.current_document.exists = False
        try:
            self._commit(message, self._careful)
        except exceptions.AlreadyExists:
            return False
        return True

    def write_unchanged(self, message: Any, update_time: Any) -> Exception | None:
        """Do one write where the document was last changed at a time. Return the refusal where it was not done."""
        message.current_document.update_time.CopyFrom(update_time)
        try:
            self._commit(message, self._careful)
        except (exceptions.FailedPrecondition, exceptions.NotFound) as error:
            return error
        return None

    def _commit(self, message: Any, options: dict[str, Any]) -> None:
        request = types.CommitRequest.pb()(database=self.database, writes=[message])
        self.api.commit(types.CommitRequest.wrap(request), **options)

    def apply(self, messages: list[Any], *, repeatable: bool) -> list[Exception | None]:
        """Do writes, each by itself, to documents that are all different. Return the refusal of each that was not done.

        What the service did not do for want of capacity is asked for again, more and more slowly.

        Parameters
        ----------
        messages : list
            At most 500 of them.
        repeatable : bool
            Whether they may be sent again where it is not known whether they were done.
        """
        options, kinds = (self._patient, _TRANSIENT) if repeatable else (self._careful, _NEVER_DONE)
        refusals: list[Exception | None] = [None] * len(messages)
        left = list(range(len(messages)))
        for _ in attempts(_FIRST_PAUSE, seconds=self._timeout):
            request = types.BatchWriteRequest.pb()(database=self.database, writes=[messages[index] for index in left])
            answer = types.BatchWriteResponse.pb(self.api.batch_write(types.BatchWriteRequest.wrap(request), **options))
            for index, status in zip(left, answer.status, strict=True):
                refusals[index] = _refusal(status.code, status.message) if status.code else None
            left = [index for index in left if isinstance(refusals[index], kinds)]
            if not left:
                break
        return refusals

    # -- names -------------------------------------------------------------------------------------------------

    def _refer(self, name: str) -> Any:
        """Return what a reference is: of this database a reference of the client, of another one its name."""
        start = f"{self.database}/documents/"
        return self.client.document(name[len(start) :]) if name.startswith(start) else name

    def close(self) -> None:
        """Close the client's connection."""
        self.api.transport.close()


def portions(writes: Iterable[tuple[str, Any]]) -> Iterator[tuple[list[str], list[Any]]]:
    """Yield the names and the messages of writes in portions that the service takes in one call."""
    names: list[str] = []
    messages: list[Any] = []
    size = 0
    for name, message in writes:
        added = message.ByteSize() + 8
        if messages and (len(messages) == _BATCH or size + added > _MOST_BYTES):
            yield names, messages
            names, messages, size = [], [], 0
        names.append(name)
        messages.append(message)
        size += added
    if messages:
        yield names, messages
