"""A container of Cosmos DB: whether it is there, what its partition key is, how it is made, and how it is asked."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from typing import Any

from spoonbill.backends.cosmosdb.errors import is_conflict, is_container_gone
from spoonbill.backends.shared.documents import Resource, UnwrittenError
from spoonbill.errors import StoreError

__all__ = ["Container"]

_CONCURRENCY = 8
"""How many calls of a batch are on their way at any time; the client keeps ten connections."""

_PAGE = 1000
_EVEN_HASHES = 2
"""The version of partition keys whose hashes are of 126 bits."""


class Container(Resource):
    """A container, looked at when it is first used.

    Parameters
    ----------
    client : azure.cosmos.CosmosClient
        The client.
    database, name : str
        Where the container is.
    create : bool
        Whether database and container may be made.
    expires : bool
        Whether a container that is made removes what expires.

    Attributes
    ----------
    client : azure.cosmos.CosmosClient
        The client.
    items : azure.cosmos.ContainerProxy
        The container's documents.
    """

    def __init__(self, client: Any, database: str, name: str, *, create: bool, expires: bool) -> None:
        super().__init__(create=create)
        self.client = client
        self.items = client.get_database_client(database).get_container_client(name)
        self._database = database
        self._name = name
        self._hashes_evenly = True
        self._expires = expires
        self._removes = False
        self._pool: ThreadPoolExecutor | None = None

    # -- being there -------------------------------------------------------------------------------------------

    def missing(self) -> str:
        return (
            f"there is no container {self._name!r} in a database {self._database!r}, and create=False forbids to "
            "make it; check the names and the endpoint, or open the store with create=True"
        )

    def make(self) -> None:
        from azure.cosmos import PartitionKey

        _unless_there(self.client.create_database, self._database)
        database = self.client.get_database_client(self._database)
        ttl = {"default_ttl": -1} if self._expires else {}  # documents may expire; those that say nothing stay
        _unless_there(database.create_container, self._name, PartitionKey("/id"), **ttl)

    def describe(self) -> bool:
        try:
            described = self.items.read()
        except Exception as error:
            if is_container_gone(error):
                return False
            raise
        definition = described.get("partitionKey", {})
        self._hashes_evenly = definition.get("version") == _EVEN_HASHES
        paths = definition.get("paths", [])
        if paths != ["/id"]:
            raise StoreError(
                f"the container {self._name!r} has the partition key {', '.join(paths) or 'of none'}, so that one id "
                "can name many documents; a store needs a container whose partition key is /id"
            )
        self._removes = described.get("defaultTtl") is not None
        return True

    def check_expiry(self) -> None:
        """Raise `StoreError` where the service would keep what expires for ever."""
        if not self._removes:
            raise StoreError(
                f"the container {self._name!r} removes no document: switch on its Time to Live, without a default, and "
                "open the store again"
            )

    def hashes_evenly(self) -> bool:
        """Return whether documents lie by hashes of 126 bits, which ranges share out; old containers have others."""
        return self._hashes_evenly

    # -- asking ------------------------------------------------------------------------------------------------

    def pages(
        self, text: str, parameters: list[dict[str, Any]], *, first: int = _PAGE, **scope: Any
    ) -> Iterator[list[Any]]:
        """Yield what a query finds, page by page; each is asked for when the one before is used up.

        Parameters
        ----------
        text, parameters : str, list
            The query.
        first : int, optional
            How many the first page holds, so that little is read and billed where the loop is soon left.
        **scope
            For the client: ``partition_key`` or ``feed_range``.
        """
        options = scope or {"enable_cross_partition_query": True}
        more: dict[str, str | None] = {}
        if first < _PAGE:
            # The pager's own token is the client's last one, which may be that of another thread.
            found = self.items.query_items(
                text,
                parameters=parameters,
                max_item_count=first,
                response_hook=lambda headers, _: more.update(token=headers.get("x-ms-continuation")),
                **options,
            )
            yield list(next(found.by_page(), ()))
            if more.get("token") is None:
                return
        found = self.items.query_items(text, parameters=parameters, max_item_count=_PAGE, **options)
        for page in found.by_page(more.get("token")):
            yield list(page)

    def side_by_side(self, call: Callable[[Any], Any], things: Iterable[Any]) -> list[Any]:
        """Return what a call returns for each of some things, several calls at once.

        Raises
        ------
        UnwrittenError
            If one failed: then no further one was begun.
        """
        listed = list(things)
        if len(listed) == 1:
            return [call(listed[0])]
        futures: list[Future[Any]] = [self.workers().submit(call, thing) for thing in listed]
        _, running = wait(futures, return_when=FIRST_EXCEPTION)
        for future in running:
            future.cancel()
        wait(futures)
        failed = [at for at, future in enumerate(futures) if future.cancelled() or future.exception() is not None]
        if failed:
            cause = next(error for at in failed if not futures[at].cancelled() and (error := futures[at].exception()))
            raise UnwrittenError([listed[at] for at in failed], _as_exception(cause)) from cause
        return [future.result() for future in futures]

    def workers(self) -> ThreadPoolExecutor:
        """Return the threads that make the calls of batches."""
        with self._lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(_CONCURRENCY, thread_name_prefix="spoonbill-cosmosdb")
            return self._pool

    def stop(self) -> None:
        """Let the threads end."""
        if self._pool is not None:
            self._pool.shutdown()


def _unless_there(make: Callable[..., Any], *arguments: Any, **options: Any) -> None:
    try:
        make(*arguments, **options)
    except Exception as error:
        if not is_conflict(error):  # somebody else made it
            raise


def _as_exception(error: BaseException) -> Exception:
    if isinstance(error, Exception):
        return error
    raise error
