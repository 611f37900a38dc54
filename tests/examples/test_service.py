"""The example service through a real uvicorn, over a real Redis server and an S3 server."""

import json
import os
import signal
import sys
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.servers import s3_server
from tests.servers.process import ServerProcess
from tests.servers.redis_server import server as redis_server
from tests.servers.redis_server import url as redis_url

APP = Path(__file__).parents[2] / "examples/service"


@pytest.fixture(scope="module")
def redis():
    with redis_server() as running:
        yield running


@pytest.fixture(scope="module")
def settings(redis, s3_url):
    """What the service finds in its environment."""
    return {
        "NOTES": redis_url(redis),
        "FILES": f"s3://{s3_server.BUCKET}/files",
        "FILES_OPTIONS": json.dumps(s3_server.storage_options(s3_url)),
        "PYTHONPATH": str(APP.parents[1]),
        "PYTHONWARNINGS": "default",
    }


def uvicorn(settings):
    """Return the service, not yet started."""

    def command(port, directory):
        options = ("--app-dir", APP, "--host", "127.0.0.1", "--port", port, "--timeout-graceful-shutdown", 60)
        return [sys.executable, "-m", "uvicorn", *options, "app:app"]

    return ServerProcess(command, settings)


@pytest.fixture(scope="module")
def service(settings):
    """One service for the module."""
    with uvicorn(settings) as running:
        yield running


def ask(service, method, path, body=None, *, timeout=60):
    """Return the status and the body of an answer."""
    kind = "application/octet-stream" if isinstance(body, bytes) else "application/json"
    data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{service.port}{path}", data, {"Content-Type": kind}, method=method
    )
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def unread(server):
    """Return how many bytes a server was sent that it has not read."""
    total = 0
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, _, _, queues = line.split()[:5]
        if int(local.partition(":")[2], 16) == server.port:
            total += int(queues.partition(":")[2], 16)
    return total


def test_notes(service):
    """A note is written, read, listed, counted by many at once, and removed; an absent one is 404."""
    assert ask(service, "GET", "/notes/ada")[0] == 404
    assert ask(service, "PUT", "/notes/ada", {"age": 36})[0] == 204
    assert ask(service, "GET", "/notes/ada") == (200, b'{"age":36}')
    assert json.loads(ask(service, "GET", "/notes")[1]) == ["ada"]
    with ThreadPoolExecutor(8) as threads:
        told = list(threads.map(lambda _: ask(service, "POST", "/notes/ada/visits"), range(40)))
    assert sorted(int(body) for _, body in told) == list(range(1, 41))
    assert ask(service, "DELETE", "/notes/ada")[0] == 204
    assert ask(service, "DELETE", "/notes/ada")[0] == 404


def test_files(service, s3_client):
    """A file comes back as it was sent, and is compressed in the bucket."""
    content = b"many words " * 10_000
    assert ask(service, "PUT", "/files/words.txt", content)[0] == 204
    assert ask(service, "GET", "/files/words.txt") == (200, content)
    assert ask(service, "GET", "/files/none")[0] == 404
    listed = s3_client.list_objects_v2(Bucket=s3_server.BUCKET, Prefix="files/")["Contents"]
    assert sum(one["Size"] for one in listed) < len(content) / 10


def test_health(service, redis):
    """The page tells of a store that is silent, while the other store still serves, and of its return."""
    status, body = ask(service, "GET", "/health")
    assert (status, sorted(json.loads(body))) == (200, ["files", "notes"])
    ask(service, "PUT", "/files/small", b"small")
    redis.pause()
    try:
        status, body = ask(service, "GET", "/health")
        assert status == 503
        assert "no answer" in json.loads(body)["notes"]
        assert json.loads(body)["files"].endswith("ms")
        assert ask(service, "GET", "/files/small") == (200, b"small")
    finally:
        redis.resume()
    deadline = time.monotonic() + 60
    while ask(service, "GET", "/health")[0] != 200:
        assert time.monotonic() < deadline


def test_a_stop_waits_for_the_requests_under_way(settings, redis):
    """A service that is told to end answers what it was asked before, closes its stores, and ends without a warning."""
    with uvicorn(settings) as service, ThreadPoolExecutor(4) as threads:
        assert ask(service, "PUT", "/notes/last", {"n": 1})[0] == 204
        redis.pause()
        try:
            under_way = [threads.submit(ask, service, "PUT", f"/notes/last-{number}", {"n": 1}) for number in range(4)]
            deadline = time.monotonic() + 60
            command = b'*3\r\n$3\r\nSET\r\n$12\r\nnotes:last-0\r\n$7\r\n{"n":1}\r\n'
            while unread(redis) < 4 * len(command):  # each request has asked Redis
                assert time.monotonic() < deadline
            os.kill(service.pid, signal.SIGTERM)
        finally:
            redis.resume()
        assert [one.result(60)[0] for one in under_way] == [204] * 4
        assert service._process.wait(60) in {0, -signal.SIGTERM}
        log = (service.directory / "server.log").read_text()
        assert "Application shutdown complete" in log
        assert "Traceback" not in log
        assert "ResourceWarning" not in log
