"""The Redis page and the Redis example, run as they are written."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import redis

from tests.servers.redis_server import server, url

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def process():
    with server() as started:
        yield started


def test_the_page_runs(process):
    """Each Python block of the page runs, with the test server's address in place of the usual one."""
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs/stores/redis.md").read_text(), re.DOTALL)
    assert blocks
    for block in blocks:
        names = {"__name__": "page"}
        exec(compile(block.replace("localhost:6379", f"127.0.0.1:{process.port}"), "redis.md", "exec"), names)
        for name in ("store", "anything", "sessions"):
            names[name].close()


def test_the_feature_store_runs(process):
    """The example serves its requests, and leaves other keys alone."""
    with redis.Redis(port=process.port, db=5) as client:
        client.set("other", 1)
        done = subprocess.run(
            [sys.executable, ROOT / "examples/feature_store.py", url(process, 5)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert "Requests counted, whoever else counts: 100" in done.stdout
        assert client.keys() == [b"other"]
