"""What the errors of redis-py mean to a user of a store."""

from typing import Final

import redis.exceptions as theirs

from spoonbill.backends.redis.wire import is_undecided
from spoonbill.common.error_guide import Code, ErrorGuide

__all__ = ["GUIDE", "forbidden", "is_unanswered", "is_wrong_type"]

_CREDENTIALS = "Give the right user and password: redis://user:password@host:port/0, or username= and password=."
_TTL = "Redis holds the time to live in whole milliseconds of 64 bits: give a smaller ttl=."
_NODE = "This server is a node of a cluster: open the store with cluster=True."
_BY_TEXT = ("MISCONF", "NOREPLICAS", "BUSY", "NOAUTH", "WRONGTYPE", "value must be", "invalid expire")


def _codes_of(error: BaseException) -> list[Code]:
    """Return the word with which the server began its answer, where its class does not tell."""
    return [start for start in _BY_TEXT if str(error).startswith(start)]


GUIDE: Final = ErrorGuide(
    packages=frozenset({"redis"}),
    kinds=frozenset({"LostAnswerError", "OSError"}),
    codes_of=_codes_of,
    # A command that is not safe to repeat ends with this one where its answer was lost.
    unanswered={"LostAnswerError": True},
    remedies={
        "MISCONF": "The server cannot save to its disk and so refuses writes: free the disk, then CONFIG GET dir.",
        "NOREPLICAS": "Too few replicas answer: bring them back, or lower min-replicas-to-write.",
        "BUSY": "A script keeps the server busy: wait, or SCRIPT KILL.",
        "NOAUTH": _CREDENTIALS,
        "value must be": _TTL,
        "invalid expire": _TTL,
        "LostAnswerError": "The connection was lost before the answer came: check the network and the server.",
        "AuthenticationError": _CREDENTIALS,
        "NoPermissionError": "Ask for the permission (ACL SETUSER), or open it as another user.",
        "OutOfMemoryError": (
            "The server is out of memory: raise CONFIG SET maxmemory, let it evict by maxmemory-policy, or delete "
            "entries."
        ),
        "ReadOnlyError": "This server is a replica: open its primary, or the Sentinels, which name the primary.",
        "BusyLoadingError": (
            "The server is still reading its data from disk: wait, or raise retry_for= for it to be waited for."
        ),
        "MaxConnectionsError": "More threads than connections: raise max_connections=.",
        "MovedError": _NODE,
        "AskError": _NODE,
        "ClusterCrossSlotError": _NODE,
        "ClusterDownError": "Some slots have no server now: wait, and look at CLUSTER INFO.",
        "RedisClusterException": "Check that the nodes run and are a cluster (CLUSTER INFO).",
        "TimeoutError": "The server did not answer in time: raise socket_timeout=, or see what keeps it busy.",
        "ConnectionError": "Check that the server runs, its address, and whether it wants TLS (rediss://).",
    },
    otherwise="Look at the server's log.",
)


def is_unanswered(operation: str, error: BaseException) -> bool:
    """Return whether a server may have done an operation though no answer came.

    What is not safe to repeat ends with `LostAnswerError` then; a set was repeated, and any attempt may have done it.
    """
    return GUIDE.is_unanswered(error) or (operation in {"set", "set_many", "touch"} and is_undecided(error))


def is_wrong_type(error: BaseException) -> bool:
    """Return whether a server refused because the key holds another type of Redis than a string."""
    return isinstance(error, theirs.ResponseError) and "WRONGTYPE" in str(error)


def forbidden(error: BaseException) -> bool:
    """Return whether a server does not know a command, or lets this user not run it on any key."""
    text = str(error).lower()
    return text.startswith("unknown command") or (isinstance(error, theirs.NoPermissionError) and "command" in text)
