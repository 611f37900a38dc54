"""Modal and ModalStore keep the contract of every store, raw and in random stacks, on our own servicer."""

import itertools

import hypothesis.strategies as st
import pytest
from hypothesis import settings

from spoonbill import Cached, MetadataIndex
from spoonbill.backends import Lmdb, Memory, Modal
from spoonbill.common.sentinels import MISSING
from spoonbill.datastores import ModalStore
from spoonbill.keys import encode_key
from spoonbill.testing import BackendContract, StoreContract, machine_for
from tests.backends.modal.modal_dict import raw
from tests.servers.modal_server import served

NAMES = (f"contract-{number}" for number in itertools.count())


@pytest.fixture(scope="module", autouse=True)
def server():
    with served() as started:
        yield started


class OnModal(StoreContract):
    many = 210  # a call each, over gRPC

    def peek(self, store, key):
        return raw(store).get(key if type(store) is Modal else encode_key(key), MISSING)

    def poke(self, store, key, value):
        raw(store).put(key, value)


class TestBackend(OnModal, BackendContract):
    """The backend itself; keys and values are in the Dict as they were given."""

    many = 1050

    def make(self, path):
        return Modal(next(NAMES))


class TestStore(OnModal):
    """The store by its name alone: any key, any value, listed by modal."""

    values = ((1, "one"), {"a": [1, None]}, "text", b"bytes", {1, 2})

    def make(self, path):
        return ModalStore(next(NAMES))


class TestStoreWithIndex(TestStore):
    """With an index in a second Dict, which keeps fields."""

    def make(self, path):
        return ModalStore(next(NAMES), index=True, fields=("a",))


class TestStoreWithCodec(OnModal):
    """Values as msgpack, and the index on disk."""

    values = ((1, "one"), {"a": [1, None]}, "text", b"bytes", {1, 2})

    def make(self, path):
        return ModalStore(next(NAMES), codec="msgpack", index=Lmdb(path / "index", durability="process"))


class TestAsAnIndex(StoreContract):
    """A Dict as the index of something else."""

    many = 210

    def make(self, path):
        return MetadataIndex(Lmdb(path / "data", durability="process"), Modal(next(NAMES)))


KEYS = st.text("aA/b!\u00e9", max_size=3) | st.integers(0, 3)
VALUES = st.binary(max_size=3) | st.dictionaries(st.sampled_from("ab"), st.integers(0, 2), max_size=2)
STACKS = (
    lambda path: ModalStore(next(NAMES)),
    lambda path: ModalStore(next(NAMES), index=True, fields=("a",)),
    lambda path: Cached(ModalStore(next(NAMES), codec="msgpack", index=Memory()), maxsize=2),
)
TestMachine = machine_for(st.sampled_from(STACKS), KEYS, VALUES).TestCase
TestMachine.settings = settings(max_examples=8, stateful_step_count=12, deadline=None)
