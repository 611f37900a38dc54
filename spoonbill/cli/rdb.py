"""Dumps of Redis, read by a server of its own that is started for it, on a socket that nobody else can reach."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, Final

import click

from spoonbill.backends.shared.extras import client_module

__all__ = ["read_dump"]

_SERVERS: Final = ("redis-server", "valkey-server")
_VARIABLE: Final = "SPOONBILL_REDIS_SERVER"
_BATCH: Final = 500
_SECONDS: Final = 3600.0


def read_dump(file: Path, database: int) -> Iterator[tuple[Any, Any]]:
    """Yield the keys and values of one database of a dump: text where they are UTF-8, else bytes.

    Hashes are dicts, lists are lists, sets are sorted lists, sorted sets are dicts of scores, and streams are lists of
    an id and its fields. When an entry expires is not told.

    Raises
    ------
    ClickException
        If there is no server to read it, or the server refuses the file.
    """
    with _served(file) as socket:
        redis = client_module("redis")
        with redis.Redis(unix_socket_path=str(socket), db=database) as client:
            keys = client.scan_iter(count=_BATCH)
            while some := list(islice(keys, _BATCH)):
                yield from _values(client, some)


def _values(client: Any, keys: list[bytes]) -> Iterator[tuple[Any, Any]]:
    with client.pipeline(transaction=False) as asking:
        for key in keys:
            asking.type(key)
        kinds = [kind.decode() for kind in asking.execute()]
        known = [(key, kind) for key, kind in zip(keys, kinds, strict=True) if kind in _KINDS]
        for key, kind in known:
            _KINDS[kind][0](asking, key)
        for (key, kind), answer in zip(known, asking.execute(), strict=True):
            yield _plain(key), _KINDS[kind][1](answer)


def _plain(data: bytes) -> str | bytes:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data


def _plain_dict(found: dict[bytes, Any]) -> dict[Any, Any]:
    return {_plain(name): _plain(value) if isinstance(value, bytes) else value for name, value in found.items()}


_KINDS: Final[dict[str, tuple[Callable[[Any, bytes], Any], Callable[[Any], Any]]]] = {
    "string": (lambda asking, key: asking.get(key), _plain),
    "hash": (lambda asking, key: asking.hgetall(key), _plain_dict),
    "list": (lambda asking, key: asking.lrange(key, 0, -1), lambda found: [_plain(one) for one in found]),
    "set": (lambda asking, key: asking.smembers(key), lambda found: [_plain(one) for one in sorted(found)]),
    "zset": (lambda asking, key: asking.zrange(key, 0, -1, withscores=True), lambda found: _plain_dict(dict(found))),
    "stream": (
        lambda asking, key: asking.xrange(key),
        lambda found: [[_plain(number), _plain_dict(fields)] for number, fields in found],
    ),
}


def _server() -> str:
    found = os.environ.get(_VARIABLE) or next(filter(None, map(shutil.which, _SERVERS)), None)
    if found is None:
        raise click.ClickException(
            f"a dump of Redis is read by a server: install {' or '.join(_SERVERS)}, or name one in {_VARIABLE}"
        )
    return found


@contextmanager
def _served(file: Path) -> Iterator[Path]:
    """Give the socket of a server that has read a file, which it sees by a link in a private folder."""
    with tempfile.TemporaryDirectory(prefix="spoonbill-rdb-") as folder:
        (Path(folder) / "dump.rdb").symlink_to(file.absolute())
        socket, log = Path(folder) / "socket", Path(folder) / "log"
        options = {"dir": folder, "unixsocket": socket, "logfile": log, "port": 0, "save": "", "appendonly": "no"}
        options["sanitize-dump-payload"] = "yes"
        words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        with subprocess.Popen([_server(), *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:  # noqa: S603 - the server of this machine
            try:
                _wait(server, socket, log, file)
                yield socket
            finally:
                server.terminate()


def _wait(server: "subprocess.Popen[bytes]", socket: Path, log: Path, file: Path) -> None:
    """Wait until the server has read its file."""
    redis = client_module("redis")
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        if server.poll() is not None:
            said = log.read_text("utf-8", "replace").strip().splitlines() if log.exists() else []
            raise click.ClickException(f"the server cannot read {file}: {said[-1] if said else 'it ended'}")
        try:
            with redis.Redis(unix_socket_path=str(socket)) as client:
                client.ping()
        except redis.exceptions.ConnectionError:  # not there yet, or still loading
            time.sleep(0.05)
        else:
            return
    raise click.ClickException(f"the server did not read {file} in {_SECONDS:.0f} s")
