"""Redis keeps the whole contract in a bridge, and its asynchronous face the face's."""

import pytest
import redis

from spoonbill.backends import Redis
from spoonbill.common.sentinels import MISSING
from spoonbill.datastores import RedisStore
from spoonbill.testing import AsyncContract, BackendContract, Bridged, StoreContract
from tests.servers.redis_server import server, url

SERVER = server()

pytestmark = pytest.mark.usefixtures("redis_running")


def emptied():
    with redis.Redis(port=SERVER.port) as client:
        client.flushdb()
    return url(SERVER)


class TestBackend(Bridged, BackendContract):
    @pytest.fixture(autouse=True)
    def limited(self, monkeypatch):
        """Lower the limit of half a gigabyte, which a test should not send."""
        monkeypatch.setattr("spoonbill.backends.redis.names.MOST", 100_000)

    def make(self, path):
        return Redis(emptied())

    def peek(self, store, key):
        with redis.Redis(port=SERVER.port) as client:
            value = client.get(key)
        return MISSING if value is None else value


class TestStore(Bridged, StoreContract):
    values = (1, {"a": [1, None]}, "text", (1, {2}), {3: 4})

    def make(self, path):
        return RedisStore(emptied(), prefix="p:", strict=False)


class TestFace(AsyncContract):
    values = ("one", "two", "", "x" * 5000, "\u00e9")

    def make(self, path):
        return RedisStore(emptied())
