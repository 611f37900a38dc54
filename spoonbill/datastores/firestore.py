"""Firestore: native documents in a Firestore collection."""

from typing import Any

from spoonbill.backends.firestore import backend as firestore_backend
from spoonbill.layers.codec import Codec
from spoonbill.store.named import NamedStore


class Firestore(NamedStore[Any, Any]):
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
    create : bool, optional
        False: a missing collection, which is an empty one, is an error.
    timeout : float, optional
        Seconds that a call to the service may take; one that does not answer is an error after that.
    client : google.cloud.firestore.Client, optional
        A client of yours, which is never closed.
    **client_options
        For ``google.cloud.firestore.Client``: ``project``, ``credentials``, ``database`` and so on.

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
        create: bool = True,
        timeout: float = 30.0,
        client: Any = None,
        **client_options: Any,
    ) -> None:
        engine = firestore_backend.Firestore(
            table_name, create=create, timeout=timeout, client=client, **client_options
        )
        super().__init__(engine if strict and codec is None else Codec(engine, codec, strict=strict))
