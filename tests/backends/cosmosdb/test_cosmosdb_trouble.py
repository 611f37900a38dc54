"""CosmosDBStore in trouble: each error of the service, a server that goes away, and writers that overtake it."""

import pickle

import pytest
from azure.core.pipeline.transport import RequestsTransport

from spoonbill.datastores import CosmosDBStore
from spoonbill.errors import PartialWriteError, StoreError, UnsupportedError, ValueTooLargeError
from tests.backends.cosmosdb.cosmosdb_tests import DATABASE, CosmosDBTests
from tests.servers.cosmosdb_server import CREDENTIAL, OPTIONS, answer_with, cosmosdb_server, endpoint


class TestTrouble(CosmosDBTests):
    def test_the_service_refuses_what_is_too_large(self, store):
        """Were the check wrong, the service's own refusal is the same error."""
        store["a"] = 1
        answer_with(self.running, {"status": 413, "times": 1})
        with pytest.raises(ValueTooLargeError, match="split"):
            store["a"] = 2

    def test_the_container_goes_away(self, store, name):
        """A call on a container that was deleted is an error with a remedy, never absence; the next write makes it."""
        store.update({"a": 1, "b": 2})
        self.client.get_database_client(DATABASE).delete_container(name)
        with pytest.raises(StoreError, match="not there any more"):
            store["a"]
        assert store.get("a") is None
        store["b"] = 2
        assert list(store) == ["b"]
        self.client.get_database_client(DATABASE).delete_container(name)
        with pytest.raises(StoreError, match="not there any more"):
            store.get_many(["a", "b"])

    def test_a_replica_behind_is_no_absence(self, store):
        """404 with a substatus (1002: the session's write is not there yet) is an error, alone and in a batch."""
        store.update({f"k{number}": number for number in range(20)})
        # A key of each of the server's two partitions, so that the client reads each by itself.
        apart = [next(share.keys()) for share in store.shares(2)]
        fault = {"status": 404, "headers": {"x-ms-substatus": "1002"}, "times": 100}
        for call in (lambda: store.get("k1"), lambda: store.get_many(apart), lambda: "k1" in store):
            answer_with(self.running, fault)
            with pytest.raises(StoreError):
                call()
            answer_with(self.running)
            assert None not in (result := call(), *(result if isinstance(result, list) else ()))

    def test_a_conflict_of_a_unique_key_is_no_presence(self, store):
        """409 for another reason than the id: add raises and names it; a writer that was faster and is gone is none."""
        fault = {"status": 409, "method": "POST", "writes": True, "message": "Unique index constraint violation."}
        for call in (lambda: store.add("new", {"mail": "a@b"}), lambda: store.setdefault("new", {"mail": "a@b"})):
            answer_with(self.running, {**fault, "times": 100})
            with pytest.raises(StoreError, match=r"Unique index constraint violation.*unique key policy"):
                call()
            answer_with(self.running)
            assert "new" not in store
        answer_with(self.running, {**fault, "times": 1})
        assert store.add("new", {"mail": "a@b"})
        assert not store.add("new", {"mail": "c@d"})
        assert store["new"] == {"mail": "a@b"}

    def test_what_is_missing_is_said(self):
        """No address, no credential, wrong options: an error at open, or at the first use, that names them."""
        with pytest.raises(UnsupportedError, match="endpoint="):
            CosmosDBStore.open("d", "c")
        with pytest.raises(StoreError, match="Check the endpoint"):
            self.opened("c", credential=5)["a"]
        with pytest.raises(StoreError, match="Check the endpoint, the credential"):
            self.opened("c", credential="abc")["a"]

    def test_no_server_and_no_secret(self, server):
        """Neither repr nor an error shows a credential; a service that is not there is named with a remedy."""
        store = CosmosDBStore.open("d", "c", endpoint="http://127.0.0.1:9", credential="aHVzaC1zZWNyZXQ=", **OPTIONS)
        assert "aHVzaC" not in repr(store)
        with pytest.raises(StoreError, match=r"No service answers.*check endpoint=") as caught:
            store["a"]
        assert "aHVzaC" not in str(caught.value)
        answer_with(server, {"status": 404, "times": 100, "account": True})
        with pytest.raises(StoreError, match="Check the endpoint"):  # somebody else's server
            self.opened("c")["a"]
        answer_with(server)
        assert pickle.loads(pickle.dumps(store)).limits.key_bytes == 1023

    def test_a_server_that_goes_away(self, name):
        """Every call on a service that went away is a StoreError that tells so; after its return the store goes on."""
        with cosmosdb_server() as other:
            options = {"endpoint": endpoint(other), "credential": CREDENTIAL, **OPTIONS, "retry_connect": 0}
            with CosmosDBStore.open("d", name, **options) as store:
                store.update({"a": 1, "b": 2})
                other.stop()
                for call in (
                    lambda: store["a"],
                    lambda: store.set("a", 1),
                    lambda: store.update({"a": 1, "b": 2}),
                    lambda: store.get_many(["a", "b"]),
                    lambda: list(store),
                    lambda: len(store),
                    lambda: store.delete_many(["a", "b"]),
                ):
                    with pytest.raises(StoreError, match="No service answers"):
                        call()
                other.restart()
                with pytest.raises(StoreError, match="not there any more"):
                    store["a"]
                store["c"] = 3
                assert dict(store.items()) == {"c": 3}

    @pytest.mark.parametrize(
        ("status", "remedy"),
        [
            (401, "does not accept the credentials"),
            (403, "may not do this"),
            (429, "throttling.*retry_throttle_total="),
            (449, "call again"),
            (400, "the message says why"),
        ],
    )
    def test_errors_of_the_service(self, name, status, remedy):
        """Each is an error with a remedy, the service's own as its cause."""
        with self.opened(name, retry_throttle_total=1) as store:
            store.update({"a": 1, "b": 2})
            fault = {"status": status, "times": 1000, "headers": {"x-ms-retry-after-ms": "1"}, "message": "it says"}
            for call in (lambda: store["a"], lambda: store.set("a", 1), lambda: list(store), lambda: len(store)):
                answer_with(self.running, fault)
                with pytest.raises(StoreError, match=remedy) as caught:
                    call()
                assert "it says" in str(caught.value)
                assert caught.value.__cause__.status_code == status
            answer_with(self.running)

    def test_throttling_is_waited_out(self, store):
        """A few 429 are waited out by the client, and every write of a batch is there."""
        store["a"] = 1
        answer_with(self.running, {"status": 429, "times": 12, "headers": {"x-ms-retry-after-ms": "2"}})
        store.update({f"k{number}": number for number in range(50)})
        assert len(store) == 51

    def test_a_batch_that_the_service_refuses_in_part(self, name):
        """The error tells which keys of a batch are not written; the others are."""
        with self.opened(name, retry_throttle_total=1) as store:
            store["a"] = 1
            answer_with(self.running, {"status": 403, "method": "POST", "times": 3})
            keys = [f"k{number}" for number in range(60)]
            with pytest.raises(PartialWriteError, match="may not do this") as caught:
                store.update(dict.fromkeys(keys, 1))
            answer_with(self.running)
            assert caught.value.done == 60 - len(caught.value.failed)
            assert sorted(store) == sorted({"a", *keys} - {*caught.value.failed})
            assert len(caught.value.failed) >= 3

    def test_a_swap_that_is_overtaken_looks_again(self, store, name):
        """A document that another tool changes between look and write is looked at again."""
        store["a"] = {"n": 1}
        calls = []

        def changed_meanwhile(fields):
            if not calls:
                self.container(name).upsert_item({"id": "a", "n": 5})
            calls.append(fields["n"])
            return fields["n"] == 1

        assert store.raw._engine.swap("a", changed_meanwhile, {"n": 2}) is False
        assert calls == [1, 5]
        assert store["a"] == {"n": 5}

    def test_a_pop_that_is_overtaken_looks_again(self, name):
        """What is popped is what was deleted, also where the document changed after it was read."""
        container = self.container(name)

        class Overtaken(RequestsTransport):
            def send(self, request, **options):
                response = super().send(request, **options)
                if request.method == "GET" and "/docs/a" in request.url and not seen:
                    seen.append(container.upsert_item({"id": "a", "n": 2}))
                return response

        seen = [0]
        with self.opened(name, transport=Overtaken()) as store:
            store["a"] = {"n": 1}
            del seen[:]
            assert store.pop("a") == {"n": 2}
            assert "a" not in store
