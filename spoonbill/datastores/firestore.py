"""Firestore: native documents in a Firestore collection."""

from typing import TypeVar, Unpack

from spoonbill.backends.firestore import backend as firestore_backend
from spoonbill.backends.firestore.options import FirestoreOptions
from spoonbill.datastores._base import DocumentStore

K = TypeVar("K")
V = TypeVar("V")


class Firestore(DocumentStore[K, V]):
    """Documents that other tools see as they are, searched by the service.

    Parameters
    ----------
    table_name : str
        The collection, made by the first write: its id, or the path of one below a document.
    strict : bool, optional
        True: a value is a document, or a part of one, of None, bool, int, float, str, bytes, list, dict and datetime.
        False: any value and key that pickle or cloudpickle can hold.
    codec : str or object, optional
        How values are written as bytes, if not as documents.
    **options : FirestoreOptions
        ``create``, ``expires``, ``timeout``, ``client``, and options for ``google.cloud.firestore.Client``.

    Raises
    ------
    MissingExtraError
        If google-cloud-firestore is not installed.
    """

    def __init__(
        self,
        table_name: str,
        strict: bool = True,
        *,
        codec: str | object | None = None,
        **options: Unpack[FirestoreOptions],
    ) -> None:
        super().__init__(firestore_backend.Firestore(table_name, **options), strict=strict, codec=codec)
