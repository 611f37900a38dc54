"""An Azure Blob server for the tests: Azurite, with what adlfs needs to reach it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from azure.storage.blob import BlobServiceClient

from tests.servers.node_packages import environment, node, package
from tests.servers.process import ServerProcess

ACCOUNT = "devstoreaccount1"
# Azurite's own well-known key, printed in its documentation.
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
CONTAINER = "bucket"


def azure_server() -> ServerProcess:
    """Return a server without containers, to be used as a context manager."""
    program = package("azurite") / "dist" / "src" / "blob" / "main.js"

    def command(port: int, _: Path) -> list[str]:
        flags = ("inMemoryPersistence", "silent", "skipApiVersionCheck", "disableTelemetry")
        return [
            *(node(), str(program), "--blobHost", "127.0.0.1", "--blobPort", str(port)),
            *(f"--{flag}" for flag in flags),
        ]

    return ServerProcess(command, environment())


def connection_string(url: str) -> str:
    """Return the connection string of the server at a URL."""
    return f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={KEY};BlobEndpoint={url}/{ACCOUNT};"


def storage_options(url: str) -> dict[str, Any]:
    """Return the options of adlfs for the server at a URL."""
    return {"connection_string": connection_string(url)}


def client(url: str) -> BlobServiceClient:
    """Return the service's own client for the server at a URL."""
    return BlobServiceClient.from_connection_string(connection_string(url))


@contextmanager
def serving() -> Iterator[str]:
    """Run a server that has the container of the tests; yield its URL."""
    with azure_server() as server:
        url = f"http://127.0.0.1:{server.port}"
        with client(url) as service:
            service.create_container(CONTAINER)
        yield url
