"""What a Redis client raises, as the errors of our tree: the reason and the remedy, and no password."""

import redis.exceptions as theirs

from spoonbill.backends.redis.wire import LostAnswerError, is_undecided

_BY_TYPE: tuple[tuple[type[Exception], str], ...] = (
    (
        LostAnswerError,
        "The connection was lost before the answer came: check the network and the server.",
    ),
    (
        theirs.AuthenticationError,
        "Give the right user and password: redis://user:password@host:port/0, or username= and password=.",
    ),
    (theirs.NoPermissionError, "Ask for the permission (ACL SETUSER), or open it as another user."),
    (
        theirs.OutOfMemoryError,
        "The server is out of memory: raise CONFIG SET maxmemory, let it evict by maxmemory-policy, or delete entries.",
    ),
    (theirs.ReadOnlyError, "This server is a replica: open its primary, or the Sentinels, which name the primary."),
    (
        theirs.BusyLoadingError,
        "The server is still reading its data from disk: wait, or raise retry_for= for it to be waited for.",
    ),
    (theirs.MaxConnectionsError, "More threads than connections: raise max_connections=."),
    (theirs.ClusterDownError, "Some slots have no server now: wait, and look at CLUSTER INFO."),
    (theirs.RedisClusterException, "Check that the nodes run and are a cluster (CLUSTER INFO)."),
    (theirs.TimeoutError, "The server did not answer in time: raise socket_timeout=, or see what keeps it busy."),
    (theirs.ConnectionError, "Check that the server runs, its address, and whether it wants TLS (rediss://)."),
)
_BY_TEXT = (
    ("MISCONF", "The server cannot save to its disk and so refuses writes: free the disk, then CONFIG GET dir."),
    ("NOREPLICAS", "Too few replicas answer: bring them back, or lower min-replicas-to-write."),
    ("BUSY", "A script keeps the server busy: wait, or SCRIPT KILL."),
    ("NOAUTH", "Give the right user and password: redis://user:password@host:port/0, or username= and password=."),
    ("value must be", "Redis holds the time to live in whole milliseconds of 64 bits: give a smaller ttl=."),
    ("invalid expire", "Redis holds the time to live in whole milliseconds of 64 bits: give a smaller ttl=."),
)


def remedy(error: BaseException) -> str:
    """Return what to do about an error of the client."""
    for start, advice in _BY_TEXT:
        if str(error).startswith(start):
            return advice
    for kind, advice in _BY_TYPE:
        if isinstance(error, kind):
            return advice
    return "Look at the server's log."


def is_unanswered(operation: str, error: BaseException) -> bool:
    """Return whether a server may have done an operation though no answer came.

    What is not safe to repeat ends with `LostAnswerError` then; a set was repeated, and any attempt may have done it.
    """
    return isinstance(error, LostAnswerError) or (operation in {"set", "set_many"} and is_undecided(error))


def is_wrong_type(error: BaseException) -> bool:
    """Return whether a server refused because the key holds another type of Redis than a string."""
    return isinstance(error, theirs.ResponseError) and str(error).startswith("WRONGTYPE")


def forbidden(error: BaseException) -> bool:
    """Return whether a server does not know a command, or lets this user not run it on any key."""
    text = str(error).lower()
    return text.startswith("unknown command") or (isinstance(error, theirs.NoPermissionError) and "command" in text)


def is_of_client(error: BaseException) -> bool:
    """Return whether an error is the client's or the network's, and no slip of ours or of the caller."""
    kinds = (theirs.RedisError, theirs.RedisClusterException, theirs.ChildDeadlockedError, LostAnswerError, OSError)
    return isinstance(error, kinds)
