"""Fixtures of several files: a Redis server a module and its client, and one S3 server with a root a test."""

from collections.abc import Iterator
from typing import Any

import pytest
import redis

from tests.servers import s3_server


@pytest.fixture(scope="module")
def redis_running(request: pytest.FixtureRequest) -> Iterator[None]:
    """Run the module's ``SERVER``."""
    with request.module.SERVER:
        yield


@pytest.fixture
def raw(request: pytest.FixtureRequest, redis_running: None) -> Iterator[redis.Redis]:
    """Give a client of the module's ``SERVER``, which is emptied and whose counts of calls begin anew."""
    with redis.Redis(port=request.module.SERVER.port) as client:
        client.flushall()
        client.config_resetstat()
        yield client


@pytest.fixture(scope="module")
def s3_url() -> Iterator[str]:
    """Give the address of an S3 server."""
    with s3_server.serving() as address:
        yield address


@pytest.fixture(scope="module")
def s3_client(s3_url: str) -> Any:
    """Give the service's own client."""
    return s3_server.client(s3_url)


@pytest.fixture
def s3_root(request: pytest.FixtureRequest) -> str:
    """Give a root that no other test uses."""
    return f"s3://{s3_server.BUCKET}/{request.node.name.replace('[', '-').replace(']', '')}"


@pytest.fixture
def s3_options(s3_url: str) -> dict[str, Any]:
    """Give the options by which a store reaches the server."""
    return s3_server.storage_options(s3_url)
