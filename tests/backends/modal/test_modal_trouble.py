"""Modal in trouble: a service that is down, silent or refuses; entries that expire; forks and foreign event loops."""

import asyncio
import os
import pickle
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from spoonbill.backends import Modal
from spoonbill.common.sentinels import MISSING
from spoonbill.datastores import ModalStore
from spoonbill.errors import ClosedError, MissingExtraError, PartialWriteError, StoreError, UnsupportedError
from tests.servers.modal_server import control, environment, led_to, served
from tests.servers.process import free_port

ROOT = Path(__file__).parents[3]
WEEK = 7 * 24 * 3600


@pytest.fixture
def server():
    with served() as started:
        yield started


@pytest.fixture
def store(server):
    return ModalStore("data")


def everything_of(store):
    """Return each kind of call, for a test that wants all of them to fail."""
    return (
        lambda: store.get("a"),
        lambda: store["a"],
        lambda: "a" in store,
        lambda: store.set("a", 1),
        lambda: store.add("a", 1),
        lambda: store.pop("a", None),
        lambda: store.delete("a"),
        lambda: store.get_many(["a", "b"]),
        lambda: store.delete_many(["a", "b"]),
        lambda: store.update({"a": 1, "b": 2}),
        lambda: store.clear(),
        lambda: list(store),
        lambda: list(store.items()),
        lambda: len(store),
    )


def test_an_unreachable_service_is_a_store_error(server, store):
    """A service that goes away, or was never there: each call fails within its time, and names the remedy."""
    known = ModalStore("data", timeout=2)
    known["a"] = 1
    server.stop()
    for store in (ModalStore("data", timeout=0.1), known):
        for call in everything_of(store)[:: 1 if store is not known else 4]:
            with pytest.raises(StoreError, match="MODAL_SERVER_URL"):
                call()


def test_a_service_that_comes_back_is_used_again(server):
    """After a failure nothing is left behind: the next call reaches the service that is there again."""
    store = ModalStore("data", timeout=0.5)
    server.stop()
    with pytest.raises(StoreError):
        store["a"] = 1
    server.restart()
    while True:  # ends: the client looks for the service now and then
        try:
            store["a"] = 1
            break
        except StoreError:
            continue
    assert store["a"] == 1


def test_a_silent_service_is_given_up(server):
    """A service that takes calls and never answers is a StoreError after the time that was asked for."""
    store = ModalStore("data", timeout=0.5)
    store["a"] = 1
    control(server, "set", slow=3600.0)
    for call in everything_of(store):
        with pytest.raises(StoreError, match=r"within 0\.5 seconds"):
            call()


def test_nothing_is_opened_before_the_first_call():
    """Opening asks nobody, so it works without a service, and for a Dict that is never used."""
    with led_to(free_port()):
        store = ModalStore("data", index=True)
        assert repr(store) == "ModalStore('data', index=True)"
        assert pickle.loads(pickle.dumps(store)).raw.index is not store.raw.index


@pytest.mark.parametrize(
    ("status", "remedy"),
    [
        ("UNAUTHENTICATED", "MODAL_TOKEN_ID"),
        ("PERMISSION_DENIED", "workspace"),
        ("RESOURCE_EXHAUSTED", "throttling"),
        ("NOT_FOUND", "create=True"),
        ("INVALID_ARGUMENT", "refused the call"),
    ],
)
def test_refusals_name_their_remedy(server, store, status, remedy):
    """Whatever the service refuses a call for is a StoreError with store, operation, key and remedy, and no absence."""
    store["a"] = 1
    control(server, "set", failures={"DictGet": [status], "DictContents": [status]})
    with pytest.raises(StoreError, match=rf"get of key 'a' failed in ModalStore\('data'.*{remedy}") as caught:
        store.get("a", 5)
    assert caught.value.__cause__ is not None
    with pytest.raises(StoreError, match=f"iter failed.*{remedy}"):
        list(store)
    assert store["a"] == 1


def test_passing_trouble_is_tried_again(server, store):
    """A call that the service could not do this once is repeated by modal's client, and add keeps its answer."""
    control(server, "set", failures={"DictUpdate": ["UNAVAILABLE"], "DictGet": ["INTERNAL", "UNAVAILABLE"]})
    assert store.add("a", 1) is True
    assert store.get("a") == 1


def test_a_batch_that_stops_tells_how_far_it_came(server, store):
    """The third update of a long batch is refused: two thousand entries are there, and the error says so."""
    with pytest.raises(PartialWriteError) as caught:
        store.update(tripping(server))
    assert len(store) == 2000
    assert caught.value.done == 2500
    assert len(caught.value.failed) == 500


def tripping(server):
    """Yield 2,500 pairs, and have the service refuse the update after the first two."""
    for number in range(2500):
        if number == 2000:
            control(server, "set", failures={"DictUpdate": ["INVALID_ARGUMENT"]})
        yield number, b""


def test_expired_entries_are_absent(server, store):
    """After seven days without use an entry is absent, no error, and an index that still lists it is lived with."""
    indexed = ModalStore("indexed", index=True)
    for each in (store, indexed):
        each.update({"read": 1, "idle": 2})
    control(server, "set", ahead=WEEK * 0.6)
    for each in (store, indexed):
        assert each["read"] == 1
    indexed.raw.index.set("idle", b"\xa0")  # the index's own entry is younger
    control(server, "set", ahead=WEEK * 1.2)
    for each in (store, indexed):
        assert each.get("idle", MISSING) is MISSING
        with pytest.raises(KeyError):
            each["idle"]
        assert dict(each.items()) in ({"read": 1}, {})
    assert dict(store.items()) == {"read": 1}
    assert list(indexed) == ["idle"]  # "read" was read, which keeps the value and not the index's entry
    assert indexed.raw.repair() == 2
    assert list(indexed) == ["read"]


def test_a_missing_dict_with_create_false(server):
    """create=False refuses a Dict that is not there, by name, and opens one that is."""
    with pytest.raises(StoreError, match="create=True"):
        ModalStore("missing", create=False).get("a")
    ModalStore("made")["a"] = 1
    assert ModalStore("made", create=False)["a"] == 1


def test_environments_are_apart(server):
    """The same name in another environment is another Dict."""
    ModalStore("data", environment_name="one")["a"] = 1
    assert "a" not in ModalStore("data", environment_name="two")
    assert ModalStore("data", environment_name="one")["a"] == 1


def test_closing(server, store):
    """A closed store says so; closing twice is no error; another handle goes on."""
    store["a"] = 1
    store.close()
    store.close()
    with pytest.raises(ClosedError):
        store.get("a")
    assert ModalStore("data")["a"] == 1


def test_a_client_that_was_handed_in(server):
    """It is used, is not closed with the store, and cannot be pickled with it."""
    import modal

    client = modal.Client.from_credentials("ak-other", environment(0)["MODAL_TOKEN_SECRET"])
    for store in (Modal("data", client=client), ModalStore("data", client=client)):
        store["a"] = 1
        with pytest.raises(UnsupportedError, match="client"):
            pickle.dumps(store)
        store.close()
    assert not client.is_closed()
    client.close()
    assert ModalStore("data")["a"] == 1


def test_both_sides_of_a_fork(server, store):
    """A child reads and writes through the store that it inherited, and the parent goes on."""
    store["parent"] = 1
    child = os.fork()
    if child == 0:
        status = 1
        try:
            store["child"] = store["parent"] + 1
            status = 0 if store.get_many(["parent", "child"]) == [1, 2] else 2
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    assert store["child"] == 2


def test_a_loop_that_is_left_halfway(server, store):
    """It holds up neither the next call, nor a forked child, nor the end of the program."""
    store.update((f"key-{number}", number) for number in range(200))
    half = iter(store)
    next(half)
    child = os.fork()
    if child == 0:
        try:
            del half
            os._exit(store["key-1"] != 1)
        finally:
            os._exit(3)
    assert os.waitpid(child, 0)[1] == 0
    del half
    assert len(store) == 200
    code = "from spoonbill.datastores import ModalStore; half = iter(ModalStore('data')); print(next(half)[:4])"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=50,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("key-\n", "")


def test_inside_an_event_loop(server, store):
    """A function of somebody's event loop uses the store as any other code does."""

    async def work():
        store["a"] = 1
        return store["a"], list(store), store.get_many(["a", "b"])

    assert asyncio.run(work()) == (1, ["a"], [1, None])


def test_many_threads_share_a_store(server, store):
    """Eight threads at one store, each with keys of its own: every value is where it was put."""
    threads = [
        threading.Thread(target=lambda number=number: store.update((f"{number}-{n}", n) for n in range(50)))
        for number in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert dict(store) == {f"{number}-{n}": n for number in range(8) for n in range(50)}


def test_without_the_client_the_extra_is_named(monkeypatch):
    """Where modal is not installed, opening says which extra brings it."""
    monkeypatch.setitem(sys.modules, "modal", None)
    with pytest.raises(MissingExtraError, match=r"ModalStore needs the client modal: .*\[modal\]"):
        ModalStore("data")


def test_importing_the_store_imports_no_client():
    """The class is there without modal, and so is every other store."""
    code = "import sys; from spoonbill.datastores import ModalStore; sys.exit('modal' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": str(ROOT)}).returncode == 0
