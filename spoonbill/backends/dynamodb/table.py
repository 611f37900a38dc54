"""A table of DynamoDB: whether it is there, what its key is, and how it is made."""

from dataclasses import dataclass, field
from typing import Any

from spoonbill.backends.dynamodb.errors import NOT_THERE, codes_of
from spoonbill.backends.shared.documents import Resource
from spoonbill.errors import StoreError

__all__ = ["KINDS", "Table", "TableKey"]

KINDS = {
    "S": "a str of valid text",
    "N": "an int or a float of at most 38 digits",
    "B": "bytes, and not empty",
}
"""What a key is, by the type of the table's key."""

_WAIT = {"Delay": 1, "MaxAttempts": 300}


@dataclass
class TableKey:
    """The key of a table, as it is wished for until the table says what it is.

    Attributes
    ----------
    attribute : str
        The name of the key attribute.
    wanted : {"S", "N", "B"} or None
        The type that the user named.
    kind : {"S", "N", "B"}
        Its type.
    """

    attribute: str
    wanted: str | None = None
    kind: str = field(init=False)

    def __post_init__(self) -> None:
        self.kind = self.wanted or "S"


class Table(Resource):
    """A table, described when it is first used.

    Parameters
    ----------
    client : object
        The low-level client.
    name : str
        The table's name.
    key : TableKey
        Its key, written here when the table was described.
    create : bool
        Whether it may be made.

    Attributes
    ----------
    client : object
        The low-level client.
    """

    def __init__(self, client: Any, name: str, key: TableKey, *, create: bool) -> None:
        super().__init__(create=create)
        self.client = client
        self.name = name
        self._key = key

    @property
    def attribute(self) -> str:
        """The name of the key attribute."""
        return self._key.attribute

    @property
    def kind(self) -> str:
        """The type of the key."""
        return self._key.kind

    def missing(self) -> str:
        return (
            f"there is no table {self.name!r}, and create=False forbids to make it; check the name and the region, "
            "or open the store with create=True"
        )

    def make(self) -> None:
        try:
            self.client.create_table(
                TableName=self.name,
                AttributeDefinitions=[{"AttributeName": self.attribute, "AttributeType": self.kind}],
                KeySchema=[{"AttributeName": self.attribute, "KeyType": "HASH"}],
                BillingMode="PAY_PER_REQUEST",
            )
        except Exception as error:
            if "ResourceInUseException" not in codes_of(error):  # somebody else makes it right now
                raise
        self.client.get_waiter("table_exists").wait(TableName=self.name, WaiterConfig=_WAIT)

    def describe(self) -> bool:
        try:
            described = self.client.describe_table(TableName=self.name)["Table"]
        except Exception as error:
            if NOT_THERE in codes_of(error):
                return False
            raise
        if described["TableStatus"] == "CREATING":
            self.client.get_waiter("table_exists").wait(TableName=self.name, WaiterConfig=_WAIT)
        self._read_key(described)
        return True

    def _read_key(self, described: dict[str, Any]) -> None:
        keys = {key["KeyType"]: key["AttributeName"] for key in described["KeySchema"]}
        if "RANGE" in keys:
            raise StoreError(
                f"the table {self.name!r} has a range key, {keys['RANGE']!r}, so that one key names many items; a "
                "store needs a table with a hash key alone"
            )
        kinds = {each["AttributeName"]: each["AttributeType"] for each in described["AttributeDefinitions"]}
        kind = kinds[keys["HASH"]]
        wanted = self._key.wanted
        if wanted not in {None, kind}:
            raise StoreError(
                f"the key of the table {self.name!r}, {keys['HASH']!r}, is of type {kind}, not {wanted}; open it "
                f'with key_type="{kind}", or leave key_type out'
            )
        self._key.attribute, self._key.kind = keys["HASH"], kind
