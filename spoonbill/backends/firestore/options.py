"""What a Firestore store can be opened with."""

from typing import Any, TypedDict

__all__ = ["FirestoreOptions"]


class FirestoreOptions(TypedDict, total=False):
    """Options of the backend and the store `Firestore`. Any other one goes to ``google.cloud.firestore.Client`` too.

    Attributes
    ----------
    create : bool
        False: a missing collection, which is an empty one, is an error. By default the first write makes it.
    expires : bool
        True: writes take ``ttl=``. A TTL policy of yours on the field ``spoonbill__until`` lets the service remove what
        has expired. A delete then takes two requests. False by default.
    timeout : float
        Seconds that a call to the service may take, repetitions included; 30 by default. A service that does not
        answer is an error after that.
    client : google.cloud.firestore.Client
        A client of yours, which is never closed. The other options are then not used.
    project, database : str
        For ``google.cloud.firestore.Client``, as are all that follow: where the collection is.
    credentials : google.auth.credentials.Credentials
        By default those of the environment.
    client_info, client_options : object
        As google-cloud-firestore describes them.
    """

    create: bool
    expires: bool
    timeout: float
    client: Any
    project: str | None
    database: str | None
    credentials: Any
    client_info: Any
    client_options: Any
