"""Snapshots, copies and caches of files on S3."""

import subprocess
import sys
from pathlib import Path

import pytest

from spoonbill import Cached
from spoonbill.datastores import FilesystemStore, InMemoryStore, LmdbStore
from spoonbill.errors import SnapshotError
from tests.filesystems.s3_calls import Calls, names
from tests.servers.s3_server import BUCKET

MEASURED = """
import sys, threading, warnings
warnings.simplefilter("ignore")
from spoonbill.datastores import LmdbStore
from tests.servers import s3_server

def anonymous():
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("RssAnon"))

folder, url = sys.argv[1:]
options = s3_server.storage_options(url)
with LmdbStore.open(f"{folder}/from") as store, LmdbStore.open(f"{folder}/to") as other:
    store.update((f"key-{n:06}", {"n": n, "name": f"name {n}", "tags": ["a", "b"]}) for n in range(200_000))
    LmdbStore.open(f"{folder}/empty").save("s3://bucket/warm.snapshot", **options)
    before, peaks, over = anonymous(), [0], threading.Event()

    def watch():
        while not over.wait(0.005):
            peaks[0] = max(peaks[0], anonymous())

    watcher = threading.Thread(target=watch)
    watcher.start()
    store.save("s3://bucket/large.snapshot", **options)
    saved = peaks[0] - before
    other.load("s3://bucket/large.snapshot", **options)
    over.set()
    watcher.join()
    print(saved, peaks[0] - before, len(other), other["key-123456"] == store["key-123456"])
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the memory of a process is read from /proc")
def test_a_large_snapshot_passes_in_bounded_memory(s3_url, s3_client, tmp_path):
    """200,000 entries are saved to S3 and loaded back while the anonymous memory grows by less than 64 MB."""
    command = [sys.executable, "-c", MEASURED, tmp_path, s3_url]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])
    assert ended.returncode == 0, ended.stderr
    saving, both, count, python_equal = ended.stdout.split()
    assert (count, python_equal) == ("200000", "True")
    assert s3_client.head_object(Bucket=BUCKET, Key="large.snapshot")["ContentLength"] > 11_000_000
    assert int(saving) < 64_000  # kB
    assert int(both) < 64_000


def test_a_torn_snapshot_on_the_cloud_changes_nothing(s3_root, s3_options, s3_client):
    """A truncated object is refused, the store as it was."""
    InMemoryStore({"a": "x" * 1000}).save(f"{s3_root}/s.snapshot", **s3_options)
    key = f"{s3_root}/s.snapshot".removeprefix(f"s3://{BUCKET}/")
    whole = s3_client.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    s3_client.put_object(Bucket=BUCKET, Key=key, Body=whole[:500])
    store = FilesystemStore.open(f"{s3_root}/target", **s3_options)
    store["kept"] = 1
    with pytest.raises(SnapshotError, match="torn"):
        store.load(f"{s3_root}/s.snapshot", **s3_options)
    assert store.copy() == {"kept": 1}


def test_files_are_copied_inside_the_service(s3_root, s3_options, s3_client, monkeypatch):
    """From bucket to bucket no value passes through here, and a second save replaces the first."""
    store = FilesystemStore.open(f"{s3_root}/from", codec="json", **s3_options)
    store.update({"a": 1, "B/c": [2], "long" * 100: 3})
    calls = Calls(store, monkeypatch)
    store.save(f"{s3_root}/to", **s3_options)
    assert not calls.reads()
    assert calls.of("copy_object")
    monkeypatch.undo()
    assert sorted(names(s3_client, f"{s3_root}/to")) == sorted([*names(s3_client, f"{s3_root}/from"), "files~note"])
    del store["a"]
    store["new"] = 4
    store.save(f"{s3_root}/to", **s3_options)
    copy = FilesystemStore.open(f"{s3_root}/to", codec="json", **s3_options)
    assert copy.copy() == store.copy() == {"B/c": [2], "long" * 100: 3, "new": 4}


def test_a_folder_of_the_cloud_is_loaded_by_any_store(s3_root, s3_options, tmp_path):
    """What FilesystemStore saved to S3, LMDB loads; a file that went missing is found before anything changes."""
    store = FilesystemStore.open(tmp_path / "files")
    store.update({"a": 1, ("b", 2): {"x"}})
    store.save(f"{s3_root}/to", **s3_options)
    with LmdbStore.open(tmp_path / "lmdb") as other:
        other["kept"] = 1
        copy = FilesystemStore.open(f"{s3_root}/to", **s3_options)
        value = copy.raw.pop("a")
        with pytest.raises(SnapshotError, match="missing"):
            other.load(f"{s3_root}/to", **s3_options)
        assert other.copy() == {"kept": 1}
        copy.raw["a"] = value
        other.load(f"{s3_root}/to", **s3_options)
        assert other.copy() == {"a": 1, ("b", 2): {"x"}}


def test_a_cache_on_disk_is_validated_by_the_etag(s3_root, s3_options, s3_client, tmp_path, monkeypatch):
    """A second read asks for the etag alone; a value that another program changed is read anew, and on reopening."""
    store = FilesystemStore.open(s3_root, codec="raw", cache=tmp_path / "cache", **s3_options)
    store["a"] = b"1" * 1000
    assert store["a"] == b"1" * 1000
    calls = Calls(store, monkeypatch)
    assert store["a"] == b"1" * 1000
    assert [method for method, _ in calls.made] == ["head_object"]
    s3_client.put_object(Bucket=BUCKET, Key=s3_root.removeprefix(f"s3://{BUCKET}/") + "/a", Body=b"2" * 1000)
    assert store["a"] == b"2" * 1000
    calls.made.clear()
    again = FilesystemStore.open(s3_root, codec="raw", cache=tmp_path / "cache", **s3_options)
    assert again.get_many(["a", "absent", "a"]) == [b"2" * 1000, None, b"2" * 1000]
    assert not calls.reads()
    del store["a"]
    assert "a" not in again
    assert again.get("a") is None


def test_a_cache_in_memory_holds_so_many_bytes(s3_root, s3_options, monkeypatch):
    """A cache of a size answers without a request until its bytes are used up, and a write is seen at once."""
    store = FilesystemStore.open(s3_root, codec="raw", cache=250, **s3_options)
    assert isinstance(store.inner.inner.inner, Cached)
    store.update({key: key.encode() * 100 for key in "abc"})
    calls = Calls(store, monkeypatch)
    for _ in range(3):
        assert [store[key] for key in "ab"] == [b"a" * 100, b"b" * 100]
    assert len(calls.of("get_object")) == 2
    store["a"] = b"new"
    assert store["a"] == b"new"
    with pytest.raises(KeyError):
        store["absent"]
