"""What a MongoDB store can be opened with."""

from collections.abc import Sequence
from typing import Any, TypedDict

__all__ = ["MongoDBOptions"]


class MongoDBOptions(TypedDict, total=False):
    """Options of `MongoDB` and ``MongoDBStore``. Any other one goes to ``pymongo.MongoClient`` as well.

    Attributes
    ----------
    create : bool
        False: a missing collection is an error. By default the first write makes it.
    client : pymongo.MongoClient
        A client of yours, which is never closed. The URI and the other options are then not used.
    username, password : str
        For ``pymongo.MongoClient``, as are all that follow.
    authSource, authMechanism : str
        Where the user is known, and how it proves who it is.
    tls : bool
        Whether the connection is encrypted.
    tlsCAFile, tlsCertificateKeyFile : str
        Paths of certificates.
    replicaSet : str
        The name of the replica set.
    appname : str
        How the server's log names this program.
    serverSelectionTimeoutMS, connectTimeoutMS, socketTimeoutMS, timeoutMS : int
        Milliseconds to wait for a server, a connection, an answer, and for a whole call.
    maxPoolSize : int
        The most connections to a server.
    w : int or str
        How many servers must have a write.
    journal, retryWrites, retryReads, directConnection : bool
        As pymongo describes them.
    readPreference : str
        Which servers may be read.
    event_listeners : sequence
        Listeners of ``pymongo.monitoring``.
    """

    create: bool
    client: Any
    username: str
    password: str
    authSource: str
    authMechanism: str
    tls: bool
    tlsCAFile: str
    tlsCertificateKeyFile: str
    replicaSet: str
    appname: str
    serverSelectionTimeoutMS: int
    connectTimeoutMS: int
    socketTimeoutMS: int
    timeoutMS: int
    maxPoolSize: int
    w: int | str
    journal: bool
    retryWrites: bool
    retryReads: bool
    directConnection: bool
    readPreference: str
    event_listeners: Sequence[Any]
