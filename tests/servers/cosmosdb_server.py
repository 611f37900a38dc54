"""A Cosmos DB server for the tests: ``@vercel/cosmosdb-server``, with what it lacks of the service added in front.

``node/cosmosdb.js`` adds, each after the service's own documentation or the tests of its clients:

- a document that is not there is 404, and one in a container that is not there 404 with the substatus 1003;
- dot segments of a path are resolved before the request is routed, ``%2e`` among them (RFC 3986, and what the service's
  front end does): an id ``..`` in a delete would reach the container;
- ids: at most 1,023 bytes (service quotas); ``/``, a backslash and control characters are 400, ``%XX``, ``#`` and a
  trailing space 401, as the gateway answers them (the item id encoding tests of Microsoft's clients);
- a body of more than 2 MB is 413, a ``ttl`` that is no positive int or -1 is 400, ``_attachments`` is the service's;
- queries of one partition key, of one of two partition key ranges and of a range of hashed keys; pages of 100 that
  continue by `_rid`; counting over all partitions is 400 with the substatus 1004, and the client asks for a plan;
- ``Prefer: return=minimal`` answers a write without the document.

What it does not have: expiry, throughput, consistency levels, the check of signatures, index policies.
"""

import json
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from tests.servers.node_packages import environment, node, package
from tests.servers.process import ServerProcess

CREDENTIAL = "aHVzaC1odXNo"
"""A key in the form that the client asks for; the server does not look at it."""

OPTIONS: dict[str, Any] = {"enable_endpoint_discovery": False}
"""What the client needs to stay with the address that it is given."""


def cosmosdb_server() -> ServerProcess:
    """Return a server with no databases, to be used as a context manager."""
    program = Path(__file__).parent / "node" / "cosmosdb.js"
    return ServerProcess(
        lambda port, _: [node(), str(program), str(package("@vercel/cosmosdb-server")), str(port)], environment()
    )


def endpoint(process: ServerProcess) -> str:
    """Return the address of a started server."""
    return f"http://127.0.0.1:{process.port}"


def answer_with(process: ServerProcess, *faults: dict[str, Any]) -> None:
    """Let the server answer its next requests about documents with errors instead.

    Each fault has a ``status``, how many ``times``, and perhaps the ``method`` that it is for, ``headers`` and a
    ``message``; with ``account`` it is for requests about the account, with ``writes`` for no query. A call without
    faults forgets them all.
    """
    connection = HTTPConnection("127.0.0.1", process.port)
    connection.request("POST", "/faults", json.dumps(faults))
    connection.getresponse().read()
    connection.close()
