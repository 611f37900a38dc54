"""The contract for the layers whose work depends on their engine, over LMDB, files and a real Redis."""

import pytest

from spoonbill import Chunked, Codec, Fallback, HashedKeys, Limited, Mirrored, Prefixed, Routed, Sharded, Tagged, Tiered
from spoonbill.backends import Filesystem, Lmdb, Redis
from spoonbill.testing import StoreContract
from tests.servers.redis_server import server, url

STACKS = {
    "Prefixed": lambda one, two: Prefixed(one, "p:"),
    "Chunked": lambda one, two: Chunked(one, 70),
    "HashedKeys": lambda one, two: HashedKeys(one, max_bytes=71),
    "Limited": lambda one, two: Limited(one, max_entries=5000, max_bytes=10_000_000, policy="lfu"),
    "Tagged": lambda one, two: Tagged(one),
    "Tiered": lambda one, two: Tiered(one, two),
    "Back": lambda one, two: Tiered(one, two, write="back", max_dirty=2),
    "Mirrored": lambda one, two: Mirrored(one, two),
    "Fallback": lambda one, two: Fallback(one, two),
    "Routed": lambda one, two: Routed({"a": one}, two),
    "Sharded": lambda one, two: Sharded([one, two]),
    "Both": lambda one, two: Codec(HashedKeys(Chunked(Tiered(one, two), 70), max_bytes=71), "raw"),
}


@pytest.fixture(scope="module", autouse=True)
def redis():
    with server() as process:
        OnEngines.process = process
        yield


class OnEngines(StoreContract):
    build = None
    process = None

    def make(self, path):
        return type(self).build(*self.engines(path))


class OnDisk(OnEngines):
    def engines(self, path):
        return Lmdb(path / "lmdb", durability="process"), Filesystem(path / "files")


class OnRedis(OnEngines):
    def engines(self, path):
        engines = [Redis(url(OnEngines.process, number)) for number in (1, 2)]
        for engine in engines:
            engine.clear()
        return engines


for name, stack in STACKS.items():
    for base in (OnDisk, OnRedis):
        globals()[f"Test{name}{base.__name__}"] = type(
            f"Test{name}{base.__name__}", (base,), {"build": staticmethod(stack)}
        )
for name in ("Routed", "Sharded"):
    # Their bound is that of the store which takes the least, and a key may belong to another one.
    globals()[f"Test{name}OnDisk"].test_a_key_is_measured_in_bytes = None
