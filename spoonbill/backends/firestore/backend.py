"""Firestore: documents of a collection."""

from typing import Unpack

from spoonbill.backends.firestore.engine import LARGEST, LONGEST, FirestoreEngine
from spoonbill.backends.firestore.options import FirestoreOptions
from spoonbill.backends.shared.documents import DocumentBackend
from spoonbill.common.traits import Guarantees, Limits

__all__ = ["Firestore"]


class Firestore(DocumentBackend):
    """The documents of a collection, each under its id.

    Parameters
    ----------
    table_name : str
        The collection: its id, or the path of one below a document, such as ``"users/ann/notes"``.
    **options : FirestoreOptions
        ``create``, ``expires``, ``timeout``, ``client``, and options for ``google.cloud.firestore.Client``.
    """

    limits = Limits(key_bytes=LONGEST, value_bytes=LARGEST)
    guarantees = Guarantees(
        threads="safe",
        processes="safe",
        fork="the parent goes on; the child connects anew, which gRPC only promises where GRPC_ENABLE_FORK_SUPPORT=1 "
        "was set before its import",
        crash="a finished write is in several data centres",
        iteration="each key once; writes made meanwhile may or may not be seen",
        atomic="between all clients of the service",
    )

    def __init__(self, table_name: str, **options: Unpack[FirestoreOptions]) -> None:
        if options.get("expires"):
            self.features = frozenset({"ttl"})
        super().__init__(FirestoreEngine(self, table_name, **options))
