"""The last step of a load on S3, seen from two processes: Ctrl-C, SIGKILL, and one that is overtaken."""

import subprocess
import sys
import time
from pathlib import Path

from spoonbill.backends import Filesystem
from tests.servers.s3_server import BUCKET

AMID = """
import asyncio, os, signal, sys, warnings
from contextlib import suppress
warnings.simplefilter("ignore")
from spoonbill.backends import Filesystem
from tests.servers import s3_server

signal.signal(signal.SIGINT, signal.default_int_handler)  # whatever the parent ignores
root, url, what = sys.argv[1:]
store = Filesystem(root, **s3_server.storage_options(url))
real, copied, late = store._folder.fs._call_s3, [], []

async def counting(method, *arguments, **options):
    renames = method == "copy_object" and "~part" not in options["Key"]
    if what == "interrupt" and renames and options["Key"].endswith("k099") and not late:
        late.append(asyncio.Event())  # one that is in flight arrives late, if it can when others are put back already
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(late[0].wait(), 2)
    if what == "interrupt" and method == "delete_objects":
        late[0].set()
        await asyncio.sleep(0.5)
    done = await real(method, *arguments, **options)
    if renames:
        copied.append(options["Key"])
        if len(copied) == 70 and what == "interrupt":
            os.kill(os.getpid(), signal.SIGINT)
        if len(copied) == 70 and what == "pause":
            print("amid", flush=True)
            sys.stdin.readline()
    return done

store._folder.fs._call_s3 = counting
store.replace_all((f"k{n:03}", b"new") for n in range(50, 250))
"""


def amid(what, root, url):
    """Start a load of 200 files in a process of its own, which something happens to when 70 of them are renamed."""
    command = [sys.executable, "-c", AMID, root, url, what]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, text=True, cwd=Path(__file__).parents[2], **pipes)


def contents(client, root):
    start = root.removeprefix(f"s3://{BUCKET}/")
    listed = client.list_objects_v2(Bucket=BUCKET, Prefix=f"{start}/").get("Contents", ())
    found = [one["Key"].removeprefix(f"{start}/") for one in listed]
    return {name: client.get_object(Bucket=BUCKET, Key=f"{start}/{name}")["Body"].read() for name in found}


def settled(client, root):
    """Return what is there when the server has done all that a killed process had asked for."""
    same, before = 0, None
    while same < 4:
        time.sleep(0.25)
        found = contents(client, root)
        same, before = (same + 1, found) if found == before else (0, found)
    return before


OLD = {f"k{number:03}": b"old" for number in range(100)}
NEW = {f"k{number:03}": b"new" for number in range(50, 250)}


def test_ctrl_c_amid_many_requests_takes_everything_back(s3_root, s3_options, s3_client, s3_url):
    """A real SIGINT while 64 requests are in flight: they end before the old objects are put back, and none is lost."""
    Filesystem(s3_root, **s3_options).update(OLD)
    running = amid("interrupt", s3_root, s3_url)
    _, errors = running.communicate(timeout=60)
    assert errors.rstrip().endswith("KeyboardInterrupt")
    assert contents(s3_client, s3_root) == OLD


def test_a_killed_load_is_finished_by_the_next(s3_root, s3_options, s3_client, s3_url):
    """SIGKILL in the renames on S3: the next store reads the new state, changing nothing, and a write finishes it."""
    Filesystem(s3_root, **s3_options).update(OLD)
    running = amid("pause", s3_root, s3_url)
    running.stdout.readline()
    running.kill()
    running.communicate(timeout=60)
    before = settled(s3_client, s3_root)
    assert before != OLD
    again = Filesystem(s3_root, **s3_options)
    assert dict(again.items()) == NEW
    assert contents(s3_client, s3_root) == before
    again.flush()
    assert contents(s3_client, s3_root) == NEW


def test_one_that_was_overtaken_takes_nothing_back(s3_root, s3_options, s3_client, s3_url):
    """Where the first process only was slow, and another has finished its load, it stops, and the load stands."""
    Filesystem(s3_root, **s3_options).update(OLD)
    running = amid("pause", s3_root, s3_url)
    running.stdout.readline()
    again = Filesystem(s3_root, **s3_options)
    again["k000"] = b"since"
    assert contents(s3_client, s3_root) == {**NEW, "k000": b"since"}
    _, errors = running.communicate("go on\n", timeout=60)
    assert "another process" in errors
    assert contents(s3_client, s3_root) == {**NEW, "k000": b"since"}
