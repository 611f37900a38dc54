"""Firestore in trouble: each error of the service, a server that is down or comes back, and wrong options."""

import pytest
from google.api_core.exceptions import RetryError, ServiceUnavailable

from spoonbill.datastores import Firestore
from spoonbill.errors import StoreError, UnsupportedError
from tests.backends.firestore.firestore_tests import FirestoreTests
from tests.servers.firestore_server import HOST, firestore_server


class TestTrouble(FirestoreTests):
    # -- trouble -----------------------------------------------------------------------------------------------

    @pytest.mark.parametrize(
        ("options", "remedy"),
        [
            ({"project": "denied"}, "roles/datastore.user"),
            ({"project": "throttled"}, "throttling, or a quota.*call again later"),
            ({"project": "expired"}, "have expired: get new ones"),
            ({"project": "datastore"}, "Native mode"),
            ({"database": "missing"}, "no such database.*check project= and database="),
        ],
        ids=lambda value: next(iter(value.values())) if isinstance(value, dict) else "",
    )
    def test_errors_of_the_service(self, name, options, remedy):
        """Each trouble is an error with its remedy in every verb, never an absence, with the service's own as cause."""
        with self.opened(name, timeout=0.6, **options) as store:
            for call in (
                lambda: store["a"],
                lambda: "a" in store,
                lambda: store.set("a", 1),
                lambda: store.add("a", 1),
                lambda: store.delete("a"),
                lambda: store.pop("a", None),
                lambda: store.replace("a", 1, 2),
                lambda: list(store),
                lambda: list(store.items({"a": 1})),
                lambda: store.update({"a": 1, "b": 2}),
                lambda: list(store.values(keys=["a"])),
                lambda: len(store),
                lambda: store.split(2),
                lambda: store.clear(),
            ):
                with pytest.raises(StoreError, match=remedy) as caught:
                    call()
                assert caught.value.__cause__ is not None

    def test_no_server(self, name, monkeypatch):
        """A server that is down is an error after the store's timeout, whatever the verb, and no secret is shown."""
        monkeypatch.setenv(HOST, "127.0.0.1:9")
        with self.opened(name, timeout=0.2) as store:
            for call in (
                lambda: store["a"],
                lambda: store.set("a", 1),
                lambda: store.pop("a"),
                lambda: list(store),
                lambda: len(store),
                lambda: store.update({"a": 1}),
                lambda: store.delete("a"),
            ):
                with pytest.raises(StoreError, match=r"No service answered within.*timeout="):
                    call()
            assert "***" in repr(store)

    def test_a_server_that_comes_back(self, name):
        """A store outlives a restart of the server: reads and sets meanwhile wait for it."""
        with firestore_server() as other, pytest.MonkeyPatch.context() as patched:
            patched.setenv(HOST, f"127.0.0.1:{other.port}")
            with self.opened(name) as store:
                store["a"] = 1
                other.restart()
                store["b"] = 2
                assert dict(store.items()) == {"b": 2}

    def test_credentials_and_options_that_do_not_work(self, name, monkeypatch, tmp_path):
        """Missing credentials and options that mean nothing are errors with a remedy."""
        monkeypatch.delenv(HOST)
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
        with pytest.raises(StoreError, match="GOOGLE_APPLICATION_CREDENTIALS"):
            Firestore.open(name)["a"]
        with pytest.raises(UnsupportedError, match="no option no_such_option="):
            self.opened(name, no_such_option=1)["a"]

    def test_what_the_client_gave_up_is_told(self, store):
        """The service's own error is named where the client wraps it."""
        given_up = RetryError("timeout exceeded", ServiceUnavailable("connection refused"))
        error = store.raw._engine.translated("get", "a", given_up)
        assert "connection refused" in str(error)
