"""Memcached as a spoonbill store. This module is data: the classes are imported when they are used."""

from spoonbill.registry import EngineRow

__all__ = ["ENGINE"]

ENGINE = EngineRow(
    "memcached",
    stores=("spoonbill_memcached.store:MemcachedStore",),
    backends=("spoonbill_memcached.backend:Memcached",),
    schemes=("memcached",),
    clients=("pymemcache",),
    package="pymemcache",
)
