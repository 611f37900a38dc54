"""Cosmos DB, NoSQL API: documents of a container whose partition key is ``/id``."""

from typing import Unpack

from spoonbill.backends.cosmosdb.engine import LARGEST, CosmosDBEngine
from spoonbill.backends.cosmosdb.options import CosmosDBOptions
from spoonbill.backends.cosmosdb.pushdown import LONGEST
from spoonbill.backends.shared.documents import DocumentBackend
from spoonbill.common.traits import Guarantees, Limits

__all__ = ["CosmosDB"]


class CosmosDB(DocumentBackend):
    """The documents of a container, each under its ``id``, which is also its partition key.

    Parameters
    ----------
    database, container : str
        Where the documents are. The first call connects and looks at the container.
    **options : CosmosDBOptions
        ``endpoint``, ``credential``, ``partition_key``, ``create``, ``expires``, ``client``, and options for
        ``azure.cosmos.CosmosClient``.
    """

    dialect = "like"
    limits = Limits(key_bytes=LONGEST, value_bytes=LARGEST)
    guarantees = Guarantees(
        threads="safe",
        processes="safe; what another process wrote is seen as the account's consistency level says",
        fork="both sides go on; the child connects anew",
        crash="a finished write is on several machines of a region",
        iteration="each key once; writes made meanwhile may or may not be seen",
        atomic="between all clients of the service",
    )

    def __init__(self, database: str, container: str, **options: Unpack[CosmosDBOptions]) -> None:
        if options.get("expires"):
            self.features = frozenset({"ttl"})
        super().__init__(CosmosDBEngine(self, database, container, **options))
