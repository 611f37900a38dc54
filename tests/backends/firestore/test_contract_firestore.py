"""Firestore keeps the contract of every store, strict or not, raw and in random stacks."""

from itertools import count

import hypothesis.strategies as st
import pytest
from google.cloud import firestore
from hypothesis import settings

from spoonbill import Codec, backends
from spoonbill.common.sentinels import MISSING
from spoonbill.datastores import Firestore
from spoonbill.testing import StoreContract, machine_for
from tests.contract.documents import samples, stacks
from tests.servers.firestore_server import HOST, OPTIONS, firestore_server

NUMBERS = count()


@pytest.fixture(scope="module", autouse=True)
def server():
    """One server for the module."""
    with firestore_server() as running, pytest.MonkeyPatch.context() as patched:
        patched.setenv(HOST, f"127.0.0.1:{running.port}")
        yield running


def made(kind, **options):
    return kind(f"c{next(NUMBERS)}", **OPTIONS, **options)


class TestFirestoreBackend(StoreContract):
    """The backend itself, with documents, scalars and bytes."""

    values = ({"a": 1}, "text", b"\x00\xff", [1, [2.5, None]], {"__a__": {"": "b.c"}})

    def make(self, path):
        return made(backends.Firestore)


class TestFirestore(TestFirestoreBackend):
    """Strict: native documents, checked with Google's client."""

    def make(self, path):
        return made(Firestore)

    def peek(self, store, key):
        collection = firestore.Client(**OPTIONS).collection(store.raw._engine._path)
        found = collection.document(store.raw._engine.name_of(key)).get()
        return found.to_dict() if found.exists else MISSING


class TestFirestoreNotStrict(StoreContract):
    """Not strict: any value by pickle."""

    values = (1, {"a": [1, None]}, "text", (1, {2}), {3: 4})

    def make(self, path):
        return made(Firestore, strict=False)


class TestBytesOverFirestore(StoreContract):
    """A codec over the backend: the default one of all stores."""

    values = (1, {"a": [1, None]}, "text", (1, {2}), {3: 4})

    def make(self, path):
        return Codec(made(backends.Firestore))


SETTINGS = settings(max_examples=12, stateful_step_count=20, deadline=None)
TestStrictMachine = machine_for(lambda _: made(Firestore), st.sampled_from(samples.KEYS), samples.comparable).TestCase
TestAnyMachine = machine_for(
    lambda _: made(Firestore, strict=False), st.integers(0, 5) | st.text(max_size=2), samples.comparable
).TestCase
TestStacksMachine = stacks.machine(lambda: made(Firestore)).TestCase
for machine in (TestStrictMachine, TestAnyMachine, TestStacksMachine):
    machine.settings = SETTINGS
del machine
