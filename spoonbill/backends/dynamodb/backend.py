"""DynamoDB: items of a table with a hash key."""

from typing import Literal, Unpack

from spoonbill.backends.dynamodb.engine import LARGEST, LONGEST, DynamoDBEngine
from spoonbill.backends.dynamodb.options import DynamoDBOptions
from spoonbill.backends.shared.documents import DocumentBackend
from spoonbill.common.traits import Guarantees, Limits

__all__ = ["DynamoDB"]


class DynamoDB(DocumentBackend):
    """The items of a table, each under its hash key.

    Parameters
    ----------
    table_name : str
        The table. The first call connects and reads its key.
    key_type : {"S", "N", "B"}, optional
        The type of its key: str, numbers or bytes. By default as the table has it, and S for a new one.
    **options : DynamoDBOptions
        ``key_name``, ``create``, ``consistent``, ``segments``, ``client``, and options for ``boto3.client``.
    """

    features = frozenset({"ttl"})
    limits = Limits(key_bytes=LONGEST, value_bytes=LARGEST)
    guarantees = Guarantees(
        threads="safe",
        processes="safe",
        fork="both sides go on; the child connects anew",
        crash="a finished write is in several data centres",
        iteration="each key once; writes made meanwhile may or may not be seen",
        atomic="between all clients of the service; `replace` does not see another tool add an attribute",
    )

    def __init__(
        self, table_name: str, key_type: Literal["S", "N", "B"] | None = None, **options: Unpack[DynamoDBOptions]
    ) -> None:
        super().__init__(DynamoDBEngine(self, table_name, key_type, **options))
