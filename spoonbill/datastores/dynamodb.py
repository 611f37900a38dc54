"""DynamoDBStore: native items in a DynamoDB table."""

from typing import Any, Literal

from spoonbill.backends.dynamodb.backend import DynamoDB
from spoonbill.errors import UnsupportedError
from spoonbill.layers.codec import Codec
from spoonbill.store.named import NamedStore


class DynamoDBStore(NamedStore[Any, Any]):
    """Items that other tools see as they are, filtered by the service.

    Parameters
    ----------
    table_name : str
        The table, made by the first write.
    key_type : {"S", "N", "B"}, optional
        The type of its key: str, numbers or bytes. By default as the table has it, and S for a new one.
    strict : bool, optional
        True: a value is a document, or a part of one, of None, bool, int, float, str, bytes, list, dict and datetime.
        False: any value and key that pickle or cloudpickle can hold, in a table with keys of type S.
    codec : str or object, optional
        How values are written as bytes, if not as documents.
    key_name : str, optional
        The name of the key attribute of a new table.
    create : bool, optional
        False: a missing table is an error.
    consistent : bool, optional
        False reads at half the price what may be a second old.
    segments : int, optional
        How many parts of the table a scan reads at once.
    client : object, optional
        A low-level client of yours, which is never closed.
    **boto3_options
        For ``boto3.client``: ``region_name``, ``endpoint_url``, ``aws_access_key_id`` and so on.

    Raises
    ------
    MissingExtraError
        If boto3 is not installed.
    UnsupportedError
        If values are to be bytes in a table whose keys are no str.
    """

    def __init__(
        self,
        table_name: str,
        key_type: Literal["S", "N", "B"] | None = None,
        strict: bool = True,
        *,
        codec: str | object | None = None,
        key_name: str = "key",
        create: bool = True,
        consistent: bool = True,
        segments: int = 1,
        client: Any = None,
        **boto3_options: Any,
    ) -> None:
        documents = strict and codec is None
        if not documents and key_type not in {None, "S"}:
            raise UnsupportedError(
                f"DynamoDBStore({table_name!r}): strict=False and codec= write any key as text, which a key of type "
                f'{key_type} cannot hold; use key_type="S", or strict=True'
            )
        engine = DynamoDB(
            table_name,
            key_type if documents else "S",
            key_name=key_name,
            create=create,
            consistent=consistent,
            segments=segments,
            client=client,
            **boto3_options,
        )
        super().__init__(engine if documents else Codec(engine, codec, strict=strict))
