"""CosmosDBStore: native documents in a container of Azure Cosmos DB."""

from typing import Any

from spoonbill.backends.cosmosdb.backend import CosmosDB
from spoonbill.layers.codec import Codec
from spoonbill.store.named import NamedStore


class CosmosDBStore(NamedStore[Any, Any]):
    """Documents that other tools see as they are, searched by the service. A plain string is a LIKE pattern: ``'a%'``.

    Parameters
    ----------
    database, container : str
        Where the documents are; both are made by the first write.
    endpoint : str, optional
        The account's address.
    credential : str or object, optional
        The account's key, or a token credential of azure-identity.
    partition_key : str, optional
        The container's partition key: ``"/id"``, and no other.
    strict : bool, optional
        True: a value is a document, or a part of one, of None, bool, int, float, str, bytes, list, dict and datetime.
        False: any value and key that pickle or cloudpickle can hold.
    codec : str or object, optional
        How values are written as bytes, if not as documents.
    create : bool, optional
        False: a missing database or container is an error.
    client : azure.cosmos.CosmosClient, optional
        A client of yours, which is never closed.
    **client_options
        For ``azure.cosmos.CosmosClient``.

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
        endpoint: str | None = None,
        credential: Any = None,
        partition_key: str = "/id",
        strict: bool = True,
        codec: str | object | None = None,
        create: bool = True,
        client: Any = None,
        **client_options: Any,
    ) -> None:
        documents = strict and codec is None
        engine = CosmosDB(
            database,
            container,
            endpoint=endpoint,
            credential=credential,
            partition_key=partition_key,
            create=create,
            client=client,
            **client_options,
        )
        super().__init__(engine if documents else Codec(engine, codec, strict=strict))
