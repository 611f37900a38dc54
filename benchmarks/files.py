"""Ratios of FilesystemStore on an S3 server, in one interleaved run. Run it with ``python benchmarks/files.py``.

Loopback has no latency, so there a batch is as fast as the client and the test server can compute. The rows with 20 ms
go through a proxy that lets each answer wait, as a bucket in the same region does. The results are written to
benchmarks/files.json.
"""

import sys
import warnings
from pathlib import Path

import fsspec
import s3fs
from timing import keep, ratio, results, show

sys.path.insert(0, str(Path(__file__).parents[1]))

from spoonbill.datastores import FilesystemStore
from tests.servers import s3_server
from tests.servers.process import ServerProcess

OBJECTS = 1000
LATENCY = 20
ROUNDS = 3


def store_at(url: str) -> FilesystemStore:
    return FilesystemStore.open(f"s3://{s3_server.BUCKET}/data", codec="raw", **s3_server.storage_options(url))


def read_rows(url: str) -> dict[str, tuple[float, float]]:
    """Time a read against fsspec's own."""
    store = store_at(url)
    keys = [f"k{number}" for number in range(100)]
    store.update(dict.fromkeys(keys, b"v" * 100))
    fs = fsspec.filesystem("s3", **s3_server.storage_options(url))
    paths = {key: f"{s3_server.BUCKET}/data/{key}" for key in keys}
    pair = (lambda: [store[key] for key in keys], lambda: [fs.cat_file(paths[key]) for key in keys])
    return {"get against fs.cat_file": (ratio(*pair, 11), 1.05)}


def write_row(url: str) -> float:
    """Time 1,000 objects by one update against as many by one set after the other."""
    store = store_at(url)
    pairs = {f"k{number}": b"v" * 100 for number in range(OBJECTS)}
    return ratio(lambda: store.update(pairs), lambda: [store.set(key, value) for key, value in pairs.items()], ROUNDS)


def slowed(port: int) -> ServerProcess:
    """Return the proxy in front of a server."""
    program = str(Path(__file__).with_name("latency.py"))
    return ServerProcess(lambda here, _: [sys.executable, program, str(here), str(port), str(LATENCY)])


def main() -> int:
    warnings.simplefilter("ignore", DeprecationWarning)  # aiobotocore's own
    with s3_server.serving() as url, slowed(int(url.rpartition(":")[2])) as proxy:
        away = f"http://127.0.0.1:{proxy.port}"
        rows = read_rows(url)
        rows[f"update of {OBJECTS} objects against set, {LATENCY} ms"] = (write_row(away), 0.2)
        rows[f"update of {OBJECTS} objects against set, loopback"] = (write_row(url), 1.0)
    show(rows)
    keep(Path(__file__).with_suffix(".json"), results(rows, s3fs=s3fs.__version__))
    return 0


if __name__ == "__main__":
    sys.exit(main())
