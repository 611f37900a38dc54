"""An S3 server for the tests: moto, with what boto3 and s3fs need to reach it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3

from tests.servers.moto_server import moto_server
from tests.servers.process import ServerProcess

KEY = "AKIAEXAMPLE"
SECRET = "hush-hush"
REGION = "us-east-1"
BUCKET = "bucket"


def endpoint(server: ServerProcess) -> str:
    """Return the URL of a started server."""
    return f"http://127.0.0.1:{server.port}"


def storage_options(url: str) -> dict[str, Any]:
    """Return the options of s3fs for the server at a URL."""
    return {"key": KEY, "secret": SECRET, "client_kwargs": {"endpoint_url": url, "region_name": REGION}}


def client(url: str) -> Any:
    """Return boto3's client for the server at a URL."""
    return boto3.client("s3", endpoint_url=url, aws_access_key_id=KEY, aws_secret_access_key=SECRET, region_name=REGION)


@contextmanager
def serving(port: int | None = None) -> Iterator[str]:
    """Run a server that has the bucket of the tests; yield its URL."""
    with moto_server(port) as server:
        url = endpoint(server)
        client(url).create_bucket(Bucket=BUCKET)
        yield url
