"""What a Cosmos DB store can be opened with."""

from typing import Any, TypedDict

__all__ = ["CosmosDBOptions"]


class CosmosDBOptions(TypedDict, total=False):
    """Options of `CosmosDB` and ``CosmosDBStore``. Any other one goes to ``azure.cosmos.CosmosClient`` as well.

    Attributes
    ----------
    endpoint : str
        The account's address.
    credential : str or object
        The account's key, or a token credential of azure-identity.
    partition_key : str
        The container's partition key: ``"/id"``, and no other.
    create : bool
        False: a missing database or container is an error. By default the first write makes both.
    expires : bool
        True: writes take ``ttl=``, and a container that is made removes what has expired; one that is there needs its
        Time to Live switched on. A delete then takes two requests. False by default.
    client : azure.cosmos.CosmosClient
        A client of yours, which is never closed. Endpoint, credential and the other options are then not used.
    consistency_level : str
        For ``azure.cosmos.CosmosClient``, as are all that follow: at most that of the account.
    preferred_locations : list of str
        The regions to ask, the nearest first.
    enable_endpoint_discovery : bool
        False: the endpoint alone is asked.
    timeout, connection_timeout, read_timeout : float
        Seconds for a whole call, a connection, an answer.
    retry_total, retry_connect, retry_read : int
        How often the client tries again.
    retry_throttle_total, retry_throttle_backoff_max : int
        How often, and for how many seconds at most, it waits where the service is throttling.
    connection_verify : bool or str
        Whether certificates are checked, or the path of those that are trusted.
    transport : object
        A transport of azure-core.
    """

    endpoint: str | None
    credential: Any
    partition_key: str
    create: bool
    expires: bool
    client: Any
    consistency_level: str | None
    preferred_locations: list[str]
    enable_endpoint_discovery: bool
    timeout: float
    connection_timeout: float
    read_timeout: float
    retry_total: int
    retry_connect: int
    retry_read: int
    retry_throttle_total: int
    retry_throttle_backoff_max: int
    connection_verify: bool | str
    transport: Any
