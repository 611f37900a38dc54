"""DynamoDBStore: native items in a DynamoDB table."""

from typing import Literal, TypeVar, Unpack

from spoonbill.backends.dynamodb.backend import DynamoDB
from spoonbill.backends.dynamodb.options import DynamoDBOptions
from spoonbill.datastores._base import DocumentStore, holds_documents
from spoonbill.errors import UnsupportedError

K = TypeVar("K")
V = TypeVar("V")


class DynamoDBStore(DocumentStore[K, V]):
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
    **options : DynamoDBOptions
        ``key_name``, ``create``, ``consistent``, ``segments``, ``client``, and options for ``boto3.client``.

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
        **options: Unpack[DynamoDBOptions],
    ) -> None:
        documents = holds_documents(strict, codec)
        if not documents and key_type not in {None, "S"}:
            raise UnsupportedError(
                f"DynamoDBStore({table_name!r}): strict=False and codec= write any key as text, which a key of type "
                f'{key_type} cannot hold; use key_type="S", or strict=True'
            )
        super().__init__(DynamoDB(table_name, key_type if documents else "S", **options), strict=strict, codec=codec)
