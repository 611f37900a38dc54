"""A table of DynamoDB: whether it is there, what its key is, and how it is made."""

from typing import Any

from spoonbill.backends.dynamodb.errors import NOT_THERE, code_of
from spoonbill.backends.shared.documents import Resource
from spoonbill.errors import StoreError

__all__ = ["Table"]

_WAIT = {"Delay": 1, "MaxAttempts": 300}


class Table(Resource):
    """A table, described when it is first used.

    Parameters
    ----------
    client : object
        The low-level client.
    name : str
        The table's name.
    kind : {"S", "N", "B"}, optional
        The type of its key; None takes it from the table, and S for a new one.
    attribute : str
        The name of the key attribute of a new table.
    create : bool
        Whether it may be made.

    Attributes
    ----------
    client : object
        The low-level client.
    attribute, kind : str
        Name and type of the key attribute.
    """

    def __init__(self, client: Any, name: str, kind: str | None, attribute: str, *, create: bool) -> None:
        super().__init__(create=create)
        self.client = client
        self.name = name
        self.attribute = attribute
        self.kind = kind or "S"
        self._wanted = kind

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
            if code_of(error) != "ResourceInUseException":  # somebody else makes it right now
                raise
        self.client.get_waiter("table_exists").wait(TableName=self.name, WaiterConfig=_WAIT)

    def described(self) -> bool:
        try:
            described = self.client.describe_table(TableName=self.name)["Table"]
        except Exception as error:
            if code_of(error) == NOT_THERE:
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
        if self._wanted not in {None, kind}:
            raise StoreError(
                f"the key of the table {self.name!r}, {keys['HASH']!r}, is of type {kind}, not {self._wanted}; open it "
                f'with key_type="{kind}", or leave key_type out'
            )
        self.attribute, self.kind = keys["HASH"], kind
