"""CosmosDBStore: native documents in a container of Azure Cosmos DB."""

from typing import TypeVar, Unpack

from spoonbill.backends.cosmosdb.backend import CosmosDB
from spoonbill.backends.cosmosdb.options import CosmosDBOptions
from spoonbill.datastores._base import DocumentStore

K = TypeVar("K")
V = TypeVar("V")


class CosmosDBStore(DocumentStore[K, V]):
    """Documents that other tools see as they are, searched by the service. A plain string is a LIKE pattern: ``'a%'``.

    Parameters
    ----------
    database, container : str
        Where the documents are; both are made by the first write.
    strict : bool, optional
        True: a value is a document, or a part of one, of None, bool, int, float, str, bytes, list, dict and datetime.
        False: any value and key that pickle or cloudpickle can hold.
    codec : str or object, optional
        How values are written as bytes, if not as documents.
    **options : CosmosDBOptions
        ``endpoint``, ``credential``, ``partition_key``, ``create``, ``expires``, ``client``, and options for
        ``azure.cosmos.CosmosClient``.

    Raises
    ------
    MissingExtraError
        If azure-cosmos is not installed.
    UnsupportedError
        If the partition key is another one, or the account is not named.
    """

    def __init__(
        self,
        database: str,
        container: str,
        *,
        strict: bool = True,
        codec: str | object | None = None,
        **options: Unpack[CosmosDBOptions],
    ) -> None:
        super().__init__(CosmosDB(database, container, **options), strict=strict, codec=codec)
