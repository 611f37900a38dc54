"""Parts of a Redis cluster: ranges of its hash slots."""

from collections.abc import Iterator, Sequence
from typing import Any

from spoonbill.backends.redis.cluster import ClusterConnection
from spoonbill.backends.redis.scan import take_new
from spoonbill.backends.redis.wire import pack, raise_failed
from spoonbill.common.batching import batches
from spoonbill.errors import StoreError
from spoonbill.query import Part

SLOTS = "slots"
"""The kind of a part: ``("slots", start, stop)``, from `start` up to but without `stop`."""

_ALL = 16_384
_BATCH = 500
"""Slots that are asked for in one message."""
_MOST = b"%d" % (1 << 30)
_PASSES = 10


def split_slots(count: int) -> list[Part]:
    """Return up to `count` parts of the slots, as even as can be."""
    count = min(count, _ALL)
    bounds = [index * _ALL // count for index in range(count + 1)]
    return [(SLOTS, bounds[index], bounds[index + 1]) for index in range(count)]


def scan_slots(connection: ClusterConnection, part: Part) -> Iterator[list[bytes]]:
    """Yield the names in a part, in lists; each that is there all the time exactly once.

    The server of a slot is asked first, and then those that are taking slots over: a key that moves is at the one or
    has come to the other. Where the cluster changed meanwhile, all are asked again.

    Raises
    ------
    StoreError
        If the cluster changes all the time.
    """
    _, start, stop = part
    seen: set[bytes] = set()
    for _ in range(_PASSES):
        before, importing = connection.mark(), connection.importing()
        for slots in batches(range(start, stop), _BATCH):
            by_server: dict[Any, list[int]] = {}
            for slot in slots:
                by_server.setdefault(connection.pool_of_slot(slot), []).append(slot)
            for server, own in (*by_server.items(), *((server, slots) for server in importing)):
                if new := take_new(_names_in(connection, server, own), seen):
                    yield new
        if (connection.mark(), connection.importing()) == (before, importing):
            return
    raise StoreError(
        f"the cluster changed in each of {_PASSES} readings, so its keys cannot be listed: wait until it is stable"
    )


def _names_in(connection: ClusterConnection, server: Any, slots: Sequence[int]) -> list[bytes]:
    commands = [pack((b"CLUSTER", b"GETKEYSINSLOT", b"%d" % slot, _MOST)) for slot in slots]
    replies = raise_failed(connection.ask_packed(server, b"".join(commands), True, len(commands)))
    return [name for names in replies for name in names]
