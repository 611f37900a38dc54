"""What is particular to S3: conditions, errors, pages, snapshots as uploads, exports inside the service, caches."""

import subprocess
import sys
import threading

import pytest

from spoonbill import Codec, prefix
from spoonbill.backends import Filesystem
from spoonbill.datastores import FilesystemStore, InMemoryStore
from spoonbill.errors import KeyTooLongError, PartialWriteError, StoreError
from spoonbill.query import Query
from tests.filesystems.s3_calls import Calls, names
from tests.helpers.shares import check_shares, check_shares_elsewhere
from tests.servers.s3_server import BUCKET, KEY, REGION, SECRET


def test_the_snippet_of_the_specification(s3_url, s3_client, tmp_path, monkeypatch):
    """The user's own words, with the server and the credentials from the environment."""
    for name, value in {
        "AWS_ENDPOINT_URL": s3_url,
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": REGION,
    }.items():
        monkeypatch.setenv(name, value)
    s3_client.put_object(Bucket=BUCKET, Key="path/to/store/a", Body=b"\x01")
    monkeypatch.chdir(tmp_path)
    code = (
        "from spoonbill.datastores import FilesystemStore\n"
        'store = FilesystemStore.open("s3://bucket/path/to/store")\n'
        'store["b"] = {"x": 1}\n'
        'store.save("local_dir_path")\n'
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert FilesystemStore.open("local_dir_path").copy() == {"a": 1, "b": {"x": 1}}


def test_a_missing_bucket_is_no_absent_key(s3_options):
    """Every call on a bucket that is not there is a StoreError that says so, and none is a KeyError."""
    store = Filesystem("s3://nobucket/x", **s3_options)
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
def test_a_failure_is_no_absent_key(s3_root, s3_options, monkeypatch, code, status):
    """What the service answers besides 404 is a StoreError, with the key and without the secret."""
    from botocore.exceptions import ClientError
    from s3fs.errors import translate_boto_error

    store = Filesystem(s3_root, **s3_options)
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


def test_a_server_that_is_away_is_no_absent_key(s3_options):
    """A connection that is refused is a StoreError, and the secret is in neither the message nor the repr."""
    wrong = {**s3_options, "client_kwargs": {"endpoint_url": "http://127.0.0.1:9", "region_name": REGION}}
    store = Filesystem(f"s3://{BUCKET}/x", config_kwargs={"retries": {"max_attempts": 0}}, **wrong)
    store._folder.fs.retries = 1
    with pytest.raises(StoreError, match=r"s3://bucket/x.*EndpointConnectionError") as caught:
        store["a"]
    assert SECRET not in str(caught.value)
    assert SECRET not in repr(store)


def test_a_batch_that_stops_tells_what_is_written(s3_root, s3_options, s3_client, monkeypatch):
    """Where a few of many writes fail, the error names them and the rest is written."""
    store = Filesystem(s3_root, **s3_options)
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
    assert sorted(names(s3_client, s3_root)) == sorted({str(number) for number in range(20)} - {"7", "17"})


def test_add_and_replace_are_the_services_conditions(s3_root, s3_options, s3_client, monkeypatch):
    """The requests carry If-None-Match and If-Match, and what another program wrote is respected."""
    store = FilesystemStore.open(s3_root, codec="raw", **s3_options)
    assert {"add", "replace", "pop"} <= store.capabilities
    key = s3_root.removeprefix(f"s3://{BUCKET}/") + "/k"
    s3_client.put_object(Bucket=BUCKET, Key=key, Body=b"theirs")
    calls = Calls(store, monkeypatch)
    assert store.add("k", b"ours") is False
    assert store.replace("k", b"other", b"ours") is False
    assert store.replace("k", b"theirs", b"ours") is True
    assert [put.get("IfNoneMatch") or put.get("IfMatch", "")[:1] for put in calls.of("put_object")] == ["*", '"']
    etag = store.raw._folder.info(store.raw._path("k"))["ETag"]
    s3_client.put_object(Bucket=BUCKET, Key=key, Body=b"changed")
    folder = store.raw._folder
    assert folder.run(folder.put_if, store.raw._path("k"), b"late", etag) is False
    assert store.pop("k") == b"changed"
    assert names(s3_client, s3_root) == []


def test_many_handles_add_one_key_and_one_wins(s3_root, s3_options):
    """Handles without a common lock (as other processes have) race for a key: the service lets one through."""
    stores = [Filesystem(s3_root, **s3_options) for _ in range(4)]
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


def test_listings_open_no_file_and_only_their_prefix(s3_root, s3_options, s3_client, monkeypatch):
    """Len and keys are pages of names; a prefix is asked of the service; a literal page limit is followed."""
    store = FilesystemStore.open(s3_root, **s3_options)
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
    start = s3_root.removeprefix(f"s3://{BUCKET}/")
    assert sorted(asked["Prefix"] for asked in calls.of("list_objects_v2")) == [f"{start}/!", f"{start}/item%3a"]
    assert not calls.of("get_object")


def test_listings_are_never_stale(s3_root, s3_options, s3_client):
    """What another program writes and removes is in the next listing, whatever the filesystem remembers."""
    store = FilesystemStore.open(s3_root, codec="raw", **s3_options)
    store["a"] = b"1"
    fs = store.raw._folder.fs
    fs.ls(store.raw._root)
    key = s3_root.removeprefix(f"s3://{BUCKET}/")
    s3_client.put_object(Bucket=BUCKET, Key=f"{key}/b", Body=b"2")
    assert sorted(store) == ["a", "b"]
    s3_client.delete_object(Bucket=BUCKET, Key=f"{key}/a")
    assert list(store) == ["b"]
    assert "a" not in store


def test_a_read_is_one_request_and_a_clear_is_bulk(s3_root, s3_options, monkeypatch):
    """Get sends one GET; clear sends one DeleteObjects for all; a range asks for its bytes alone."""
    store = FilesystemStore.open(s3_root, codec="raw", **s3_options)
    store.update({str(number): b"0123456789" for number in range(30)})
    calls = Calls(store, monkeypatch)
    assert store["1"] == b"0123456789"
    assert [method for method, _ in calls.made] == ["get_object"]
    assert store.read_range("1", 2, 4) == b"23"
    assert calls.made[-1][1]["Range"] == "bytes=2-3"
    store.clear()
    assert len(calls.of("delete_objects")) == 1
    assert not calls.of("delete_object")


def test_a_name_too_long_for_the_service(s3_root, s3_options):
    """A name of more than 1,024 bytes is refused before it is sent, and is known to be absent."""
    store = FilesystemStore.open(s3_root, **s3_options)
    with pytest.raises(KeyTooLongError, match="bytes"):
        store["K" * 700] = 1
    assert "K" * 700 not in store
    assert store.get("K" * 2000) is None
    assert store.delete("K" * 2000) is False


def test_an_upload_appears_when_it_is_whole(s3_root, s3_options, s3_client):
    """While a snapshot is written, the old one stands; a failure leaves it and no upload behind."""
    target = f"{s3_root}/s.snapshot"
    key = target.removeprefix(f"s3://{BUCKET}/")
    InMemoryStore({"a": 1}).save(target, **s3_options)
    old = s3_client.get_object(Bucket=BUCKET, Key=key)["Body"].read()

    def watched(count):
        assert s3_client.get_object(Bucket=BUCKET, Key=key)["Body"].read() == old
        if count == 30:
            raise KeyboardInterrupt

    large = InMemoryStore({number: bytes(1_000_000) for number in range(60)})
    with pytest.raises(KeyboardInterrupt):
        large.save(target, progress=watched, **s3_options)
    assert s3_client.get_object(Bucket=BUCKET, Key=key)["Body"].read() == old
    assert s3_client.list_multipart_uploads(Bucket=BUCKET).get("Uploads", []) == []
    large.save(target, **s3_options)
    assert s3_client.head_object(Bucket=BUCKET, Key=key)["ETag"].strip('"')[-2:] == "-7"  # parts of 8 MiB and more
    target_store = InMemoryStore()
    target_store.load(target, **s3_options)
    assert target_store == large


def test_a_share_lists_its_own_range(s3_root, s3_options, monkeypatch):
    """A store is listed once to be split, and each share then lists the names of its range and no others."""
    store = Filesystem(s3_root, **s3_options)
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


def test_a_directory_bucket_is_shared_out_by_names(s3_root, s3_options, monkeypatch):
    """Where listings come in no order, a share carries its keys."""
    store = Filesystem(s3_root, **s3_options)
    store.update(dict.fromkeys("abc", b"1"))
    monkeypatch.setattr("spoonbill.filesystems.objects.s3._DIRECTORY_BUCKET", BUCKET)
    assert not store.native("split")
    assert {part[0] for part in store.split(2)} == {"names"}
    check_shares(store, "abc", prefix("a"), counts=(2,))
