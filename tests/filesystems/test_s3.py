"""What is particular to S3: conditions, errors, pages, snapshots as uploads, exports inside the service, caches."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from spoonbill import Cached, Codec, prefix
from spoonbill.backends import Filesystem
from spoonbill.datastores import FilesystemStore, InMemoryStore, LmdbStore
from spoonbill.errors import KeyTooLongError, PartialWriteError, SnapshotError, StoreError
from spoonbill.query import Query
from tests.helpers.shares import check_shares, check_shares_elsewhere
from tests.servers import s3_server
from tests.servers.s3_server import BUCKET, KEY, REGION, SECRET


@pytest.fixture(scope="module")
def url():
    with s3_server.serving() as address:
        yield address


@pytest.fixture(scope="module")
def client(url):
    return s3_server.client(url)


@pytest.fixture
def root(request):
    return f"s3://{BUCKET}/{request.node.name.replace('[', '-').replace(']', '')}"


@pytest.fixture
def options(url):
    return s3_server.storage_options(url)


def names(client, root):
    start = root.removeprefix(f"s3://{BUCKET}/") + "/"
    found = client.list_objects_v2(Bucket=BUCKET, Prefix=start).get("Contents", ())
    return [one["Key"].removeprefix(start) for one in found]


class Calls:
    """Counts what a store's filesystem asks the service."""

    def __init__(self, store, monkeypatch):
        self.made = []
        fs = store.raw._folder.fs
        real = fs._call_s3

        async def noting(method, *arguments, **options):
            self.made.append((method, options))
            return await real(method, *arguments, **options)

        monkeypatch.setattr(fs, "_call_s3", noting)
        folder = store.raw._folder
        once = folder._call_once

        async def noting_once(method, path, **options):
            self.made.append((method, options))
            return await once(method, path, **options)

        monkeypatch.setattr(folder, "_call_once", noting_once)

    def of(self, method):
        return [options for made, options in self.made if made == method]

    def reads(self):
        """Return the requests for values: not those for notes about them."""
        return [one for one in self.of("get_object") if not one["Key"].endswith(("~note", "~part", "~journal"))]


def test_the_snippet_of_the_specification(url, client, tmp_path, monkeypatch):
    """The user's own words, with the server and the credentials from the environment."""
    for name, value in {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": REGION,
    }.items():
        monkeypatch.setenv(name, value)
    client.put_object(Bucket=BUCKET, Key="path/to/store/a", Body=b"\x01")
    monkeypatch.chdir(tmp_path)
    code = (
        "from spoonbill.datastores import FilesystemStore\n"
        'store = FilesystemStore.open("s3://bucket/path/to/store")\n'
        'store["b"] = {"x": 1}\n'
        'store.save("local_dir_path")\n'
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert FilesystemStore.open("local_dir_path").copy() == {"a": 1, "b": {"x": 1}}


def test_a_missing_bucket_is_no_absent_key(options):
    """Every call on a bucket that is not there is a StoreError that says so, and none is a KeyError."""
    store = Filesystem("s3://nobucket/x", **options)
    uses = (
        lambda: store.get("a"),
        lambda: "a" in store,
        lambda: store.set("a", b"1"),
        lambda: store.add("a", b"1"),
        lambda: store.get_many(["a"]),
        lambda: store.update({"a": b"1"}),
        lambda: store.delete("a"),
        lambda: store.pop("a", None),
        lambda: list(store),
    )
    for use in uses:
        with pytest.raises(StoreError, match="bucket") as caught:
            use()
        assert "make it" in str(caught.value)


@pytest.mark.parametrize(("code", "status"), [("AccessDenied", 403), ("InternalError", 500), ("SlowDown", 503)])
def test_a_failure_is_no_absent_key(root, options, monkeypatch, code, status):
    """What the service answers besides 404 is a StoreError, with the key and without the secret."""
    from botocore.exceptions import ClientError
    from s3fs.errors import translate_boto_error

    store = Filesystem(root, **options)
    store["a"] = b"1"
    answer = {"Error": {"Code": code, "Message": f"no, {SECRET}"}, "ResponseMetadata": {"HTTPStatusCode": status}}

    async def refuses(method, *arguments, **options):
        raise translate_boto_error(ClientError(answer, method))

    monkeypatch.setattr(store._folder.fs, "_call_s3", refuses)
    uses = (lambda: store["a"], lambda: store.set("a", b"2"), lambda: "a" in store, lambda: store.pop("a"))
    for use in (*uses, lambda: store.get_many(["a"]), lambda: store.read_range("a", 0, 1)):
        with pytest.raises(StoreError, match="'a'") as caught:
            use()
        assert SECRET not in str(caught.value)
        assert SECRET not in str(caught.value.__cause__)
    monkeypatch.undo()
    assert store["a"] == b"1"


def test_a_server_that_is_away_is_no_absent_key(options):
    """A connection that is refused is a StoreError, and the secret is in neither the message nor the repr."""
    wrong = {**options, "client_kwargs": {"endpoint_url": "http://127.0.0.1:9", "region_name": REGION}}
    store = Filesystem(f"s3://{BUCKET}/x", config_kwargs={"retries": {"max_attempts": 0}}, **wrong)
    store._folder.fs.retries = 1
    with pytest.raises(StoreError, match=r"s3://bucket/x.*EndpointConnectionError") as caught:
        store["a"]
    assert SECRET not in str(caught.value)
    assert SECRET not in repr(store)


def test_a_batch_that_stops_tells_what_is_written(root, options, client, monkeypatch):
    """Where a few of many writes fail, the error names them and the rest is written."""
    store = Filesystem(root, **options)
    fs = store._folder.fs
    real = fs._pipe_file

    async def fails_on_seven(path, data, **rest):
        if path.endswith("7"):
            raise PermissionError("denied")
        return await real(path, data, **rest)

    monkeypatch.setattr(fs, "_pipe_file", fails_on_seven)
    with pytest.raises(PartialWriteError, match="denied") as caught:
        store.update({str(number): b"1" for number in range(20)})
    assert caught.value.failed == ("7", "17")
    assert caught.value.done == 18
    assert sorted(names(client, root)) == sorted({str(number) for number in range(20)} - {"7", "17"})


def test_add_and_replace_are_the_services_conditions(root, options, client, monkeypatch):
    """The requests carry If-None-Match and If-Match, and what another program wrote is respected."""
    store = FilesystemStore.open(root, codec="raw", **options)
    assert {"add", "replace", "pop"} <= store.capabilities
    key = root.removeprefix(f"s3://{BUCKET}/") + "/k"
    client.put_object(Bucket=BUCKET, Key=key, Body=b"theirs")
    calls = Calls(store, monkeypatch)
    assert store.add("k", b"ours") is False
    assert store.replace("k", b"other", b"ours") is False
    assert store.replace("k", b"theirs", b"ours") is True
    assert [put.get("IfNoneMatch") or put.get("IfMatch", "")[:1] for put in calls.of("put_object")] == ["*", '"']
    etag = store.raw._folder.info(store.raw._path("k"))["ETag"]
    client.put_object(Bucket=BUCKET, Key=key, Body=b"changed")
    folder = store.raw._folder
    assert folder.run(folder.put_if, store.raw._path("k"), b"late", etag) is False
    assert store.pop("k") == b"changed"
    assert names(client, root) == []


def test_many_handles_add_one_key_and_one_wins(root, options):
    """Handles without a common lock (as other processes have) race for a key: the service lets one through."""
    stores = [Filesystem(root, **options) for _ in range(4)]
    for number, store in enumerate(stores):
        store._lock = threading.RLock()
        store._writing = threading.RLock()
        assert store._lock is not stores[number - 1]._lock
    for turn in range(5):
        won = []
        together = threading.Barrier(4)

        def contend(number, store, won=won, together=together, key=str(turn)):
            together.wait(30)
            if store.add(key, str(number).encode()):
                won.append(str(number).encode())

        threads = [threading.Thread(target=contend, args=pair) for pair in enumerate(stores)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [stores[0][str(turn)]] == won


def test_listings_open_no_file_and_only_their_prefix(root, options, client, monkeypatch):
    """Len and keys are pages of names; a prefix is asked of the service; a literal page limit is followed."""
    store = FilesystemStore.open(root, **options)
    store.update({f"user:{number}": number for number in range(30)} | {f"item:{number}": number for number in range(5)})
    calls = Calls(store, monkeypatch)
    real = store.raw._folder.fs._call_s3

    async def small_pages(method, *arguments, **options):
        more = {"MaxKeys": 7} if method == "list_objects_v2" else {}
        return await real(method, *arguments, **options, **more)

    monkeypatch.setattr(store.raw._folder.fs, "_call_s3", small_pages)
    assert len(store) == 35
    assert {method for method, _ in calls.made} == {"list_objects_v2"}
    assert len(calls.made) == 5
    calls.made.clear()
    assert len(list(store.keys(prefix("item:")))) == 5
    start = root.removeprefix(f"s3://{BUCKET}/")
    assert sorted(asked["Prefix"] for asked in calls.of("list_objects_v2")) == [f"{start}/!", f"{start}/item%3a"]
    assert not calls.of("get_object")


def test_listings_are_never_stale(root, options, client):
    """What another program writes and removes is in the next listing, whatever the filesystem remembers."""
    store = FilesystemStore.open(root, codec="raw", **options)
    store["a"] = b"1"
    fs = store.raw._folder.fs
    fs.ls(store.raw._root)
    key = root.removeprefix(f"s3://{BUCKET}/")
    client.put_object(Bucket=BUCKET, Key=f"{key}/b", Body=b"2")
    assert sorted(store) == ["a", "b"]
    client.delete_object(Bucket=BUCKET, Key=f"{key}/a")
    assert list(store) == ["b"]
    assert "a" not in store


def test_a_read_is_one_request_and_a_clear_is_bulk(root, options, monkeypatch):
    """Get sends one GET; clear sends one DeleteObjects for all; a range asks for its bytes alone."""
    store = FilesystemStore.open(root, codec="raw", **options)
    store.update({str(number): b"0123456789" for number in range(30)})
    calls = Calls(store, monkeypatch)
    assert store["1"] == b"0123456789"
    assert [method for method, _ in calls.made] == ["get_object"]
    assert store.read_range("1", 2, 4) == b"23"
    assert calls.made[-1][1]["Range"] == "bytes=2-3"
    store.clear()
    assert len(calls.of("delete_objects")) == 1
    assert not calls.of("delete_object")


def test_a_name_too_long_for_the_service(root, options):
    """A name of more than 1,024 bytes is refused before it is sent, and is known to be absent."""
    store = FilesystemStore.open(root, **options)
    with pytest.raises(KeyTooLongError, match="bytes"):
        store["K" * 700] = 1
    assert "K" * 700 not in store
    assert store.get("K" * 2000) is None
    assert store.delete("K" * 2000) is False


# -- snapshots and exports ------------------------------------------------------------------------------------------


def test_an_upload_appears_when_it_is_whole(root, options, client):
    """While a snapshot is written, the old one stands; a failure leaves it and no upload behind."""
    target = f"{root}/s.snapshot"
    key = target.removeprefix(f"s3://{BUCKET}/")
    InMemoryStore({"a": 1}).save(target, **options)
    old = client.get_object(Bucket=BUCKET, Key=key)["Body"].read()

    def watched(count):
        assert client.get_object(Bucket=BUCKET, Key=key)["Body"].read() == old
        if count == 30:
            raise KeyboardInterrupt

    large = InMemoryStore({number: bytes(1_000_000) for number in range(60)})
    with pytest.raises(KeyboardInterrupt):
        large.save(target, progress=watched, **options)
    assert client.get_object(Bucket=BUCKET, Key=key)["Body"].read() == old
    assert client.list_multipart_uploads(Bucket=BUCKET).get("Uploads", []) == []
    large.save(target, **options)
    assert client.head_object(Bucket=BUCKET, Key=key)["ETag"].strip('"')[-2:] == "-7"  # parts of 8 MiB and more
    target_store = InMemoryStore()
    target_store.load(target, **options)
    assert target_store == large


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
def test_a_large_snapshot_passes_in_bounded_memory(url, client, tmp_path):
    """200,000 entries are saved to S3 and loaded back while the anonymous memory grows by less than 64 MB."""
    command = [sys.executable, "-c", MEASURED, tmp_path, url]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])
    assert ended.returncode == 0, ended.stderr
    saving, both, count, python_equal = ended.stdout.split()
    assert (count, python_equal) == ("200000", "True")
    assert client.head_object(Bucket=BUCKET, Key="large.snapshot")["ContentLength"] > 11_000_000
    assert int(saving) < 64_000  # kB
    assert int(both) < 64_000


def test_a_torn_snapshot_on_the_cloud_changes_nothing(root, options, client):
    """A truncated object is refused, the store as it was."""
    InMemoryStore({"a": "x" * 1000}).save(f"{root}/s.snapshot", **options)
    key = f"{root}/s.snapshot".removeprefix(f"s3://{BUCKET}/")
    whole = client.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    client.put_object(Bucket=BUCKET, Key=key, Body=whole[:500])
    store = FilesystemStore.open(f"{root}/target", **options)
    store["kept"] = 1
    with pytest.raises(SnapshotError, match="torn"):
        store.load(f"{root}/s.snapshot", **options)
    assert store.copy() == {"kept": 1}


def test_files_are_copied_inside_the_service(root, options, client, monkeypatch):
    """From bucket to bucket no value passes through here, and a second save replaces the first."""
    store = FilesystemStore.open(f"{root}/from", codec="json", **options)
    store.update({"a": 1, "B/c": [2], "long" * 100: 3})
    calls = Calls(store, monkeypatch)
    store.save(f"{root}/to", **options)
    assert not calls.reads()
    assert calls.of("copy_object")
    monkeypatch.undo()
    assert sorted(names(client, f"{root}/to")) == sorted([*names(client, f"{root}/from"), "files~note"])
    del store["a"]
    store["new"] = 4
    store.save(f"{root}/to", **options)
    copy = FilesystemStore.open(f"{root}/to", codec="json", **options)
    assert copy.copy() == store.copy() == {"B/c": [2], "long" * 100: 3, "new": 4}


def test_a_folder_of_the_cloud_is_loaded_by_any_store(root, options, tmp_path):
    """What FilesystemStore saved to S3, LMDB loads; a file that went missing is found before anything changes."""
    store = FilesystemStore.open(tmp_path / "files")
    store.update({"a": 1, ("b", 2): {"x"}})
    store.save(f"{root}/to", **options)
    with LmdbStore.open(tmp_path / "lmdb") as other:
        other["kept"] = 1
        copy = FilesystemStore.open(f"{root}/to", **options)
        value = copy.raw.pop("a")
        with pytest.raises(SnapshotError, match="missing"):
            other.load(f"{root}/to", **options)
        assert other.copy() == {"kept": 1}
        copy.raw["a"] = value
        other.load(f"{root}/to", **options)
        assert other.copy() == {"a": 1, ("b", 2): {"x"}}


# -- caches ---------------------------------------------------------------------------------------------------------


def test_a_cache_on_disk_is_validated_by_the_etag(root, options, client, tmp_path, monkeypatch):
    """A second read asks for the etag alone; a value that another program changed is read anew, and on reopening."""
    store = FilesystemStore.open(root, codec="raw", cache=tmp_path / "cache", **options)
    store["a"] = b"1" * 1000
    assert store["a"] == b"1" * 1000
    calls = Calls(store, monkeypatch)
    assert store["a"] == b"1" * 1000
    assert [method for method, _ in calls.made] == ["head_object"]
    client.put_object(Bucket=BUCKET, Key=root.removeprefix(f"s3://{BUCKET}/") + "/a", Body=b"2" * 1000)
    assert store["a"] == b"2" * 1000
    calls.made.clear()
    again = FilesystemStore.open(root, codec="raw", cache=tmp_path / "cache", **options)
    assert again.get_many(["a", "absent", "a"]) == [b"2" * 1000, None, b"2" * 1000]
    assert not calls.reads()
    del store["a"]
    assert "a" not in again
    assert again.get("a") is None


def test_a_cache_in_memory_holds_so_many_bytes(root, options, monkeypatch):
    """A cache of a size answers without a request until its bytes are used up, and a write is seen at once."""
    store = FilesystemStore.open(root, codec="raw", cache=250, **options)
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


def test_a_share_lists_its_own_range(root, options, monkeypatch):
    """A store is listed once to be split, and each share then lists the names of its range and no others."""
    store = Filesystem(root, **options)
    keys = [f"key {number}" for number in range(40)]
    store.update(dict.fromkeys(keys, b"1"))
    calls = Calls(Codec(store), monkeypatch)
    parts = store.split(4)
    assert [part[0] for part in parts] == ["between"] * 4
    assert max(len(str(part)) for part in parts) < 100
    assert len({key for part in parts for key, _ in store.select(Query(part=part, keys_only=True))}) == 40
    assert calls.of("list_objects_v2")[0].get("StartAfter") is None
    begins = [one["StartAfter"] for one in calls.of("list_objects_v2") if "StartAfter" in one]
    assert len(begins) == 3
    check_shares_elsewhere(store, keys, count=2)


def test_a_directory_bucket_is_shared_out_by_names(root, options, monkeypatch):
    """Where listings come in no order, a share carries its keys."""
    store = Filesystem(root, **options)
    store.update(dict.fromkeys("abc", b"1"))
    monkeypatch.setattr("spoonbill.filesystems.s3._DIRECTORY_BUCKET", BUCKET)
    assert not store.native("split")
    assert {part[0] for part in store.split(2)} == {"names"}
    check_shares(store, "abc", prefix("a"), counts=(2,))
