"""Every stack over one Valkey server keeps the contract."""

import itertools

import hypothesis.strategies as st
import pytest
import redis
from hypothesis import given, settings

from spoonbill import Cached, Codec, KeyLayer, Search, StrictString
from spoonbill.backends import Redis
from spoonbill.common.sentinels import MISSING
from spoonbill.datastores import RedisStore
from spoonbill.keys import encode_key
from spoonbill.testing import BackendContract, StoreContract, machine_for
from tests.servers.redis_server import server, url

SERVER = server()

pytestmark = pytest.mark.usefixtures("redis_running")


DATABASES = itertools.cycle(range(2, 16))


def raw(database=0):
    return redis.Redis(port=SERVER.port, db=database)


class OnServer(StoreContract):
    """Reads what is on the server by the client itself, beside another program's key that must stay."""

    prefix = ""

    def empty(self):
        with raw() as client:
            client.flushdb()
        return url(SERVER)

    def peek(self, store, key):
        with raw() as client:
            value = client.get(self.prefix.encode() + encode_key(key).encode())
        return MISSING if value is None else value


class Objects(OnServer):
    values = ((1, "one"), {"a": [1, None]}, "text", b"bytes", (1, {2}))


class Backend(OnServer, BackendContract):
    """The backend itself: keys are text as they are."""

    @pytest.fixture(autouse=True)
    def limited(self, monkeypatch):
        """Lower the limit of half a gigabyte, which a test should not send."""
        monkeypatch.setattr("spoonbill.backends.redis.names.MOST", 100_000)

    def name(self, key):
        return self.prefix.encode() + key.encode()

    def peek(self, store, key):
        with raw() as client:
            value = client.get(self.name(key))
        return MISSING if value is None else value

    def poke(self, store, key, value):
        with raw() as client:
            client.set(self.name(key), value)


class TestRedis(Backend):
    def make(self, path):
        return Redis(self.empty())


class TestRedisOverTheEarlierProtocol(Backend):
    def make(self, path):
        return Redis(self.empty(), protocol=2)


class TestRedisWithPrefix(Backend):
    prefix = "a*[b]?\\:"

    def make(self, path):
        store = Redis(self.empty(), prefix=self.prefix)
        self.others = {b"a": b"1", b"ab:x": b"2", b"a*[b]?\\": b"3"}
        with raw() as client:
            client.mset(self.others)
        return store

    @pytest.fixture(autouse=True)
    def others_stay(self, store):
        """What does not begin with the prefix is neither listed nor removed, whatever the test does."""
        yield
        with raw() as client:
            assert {name: client.get(name) for name in self.others} == self.others


class TestStrictRedisStore(OnServer):
    values = ("one", "two", "", "x" * 5000, "\u00e9")

    def make(self, path):
        return RedisStore.open(self.empty())


class TestStrictRedisStoreOfAClient(TestStrictRedisStore):
    def make(self, path):
        self.empty()
        return RedisStore(redis.Redis(port=SERVER.port, decode_responses=True), prefix="mine:")

    prefix = "mine:"


class TestRedisStoreNotStrict(Objects):
    def make(self, path):
        return RedisStore.open(self.empty(), strict=False)


class TestRedisStoreOfMsgpack(Objects):
    def make(self, path):
        return RedisStore.open(self.empty(), codec="msgpack", prefix="p:")

    prefix = "p:"


class TestRedisStoreThatExpires(Objects):
    """A default time to live goes by other commands (SET PX in a row for MSET), and changes nothing else."""

    def make(self, path):
        return RedisStore.open(self.empty(), codec="msgpack", ttl=1000)


class TestCachedRedisStore(Objects):
    def make(self, path):
        return Search(Cached(RedisStore.open(self.empty(), strict=False)), dialect="glob")


KEYS = st.text(st.sampled_from("aAb/.*[%^~!\\?\x00 \u00e9"), max_size=4)
ANY_KEYS = KEYS | st.integers(-3, 3) | st.tuples(st.booleans())
TEXTS = st.text(max_size=5)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.binary(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
opened = {}


def database_of(path):
    """Return the URL of a database that is empty when it is first opened for `path`."""
    if path not in opened:
        opened[path] = next(DATABASES)
        with raw(opened[path]) as client:
            client.flushdb()
    return url(SERVER, opened[path])


TestBackendMachine = machine_for(lambda p: Redis(database_of(p)), KEYS, st.binary(max_size=5), reopens=True).TestCase
TestStrictMachine = machine_for(lambda p: RedisStore(database_of(p)), KEYS, TEXTS, reopens=True).TestCase
TestPrefixMachine = machine_for(
    lambda p: RedisStore(url(SERVER, 1), prefix=f"{p.name}*:", codec="msgpack"), ANY_KEYS, VALUES, reopens=True
).TestCase
TestNotStrictMachine = machine_for(
    lambda p: Cached(RedisStore(database_of(p), strict=False)), ANY_KEYS, VALUES, reopens=True
).TestCase
for machine in (TestBackendMachine, TestStrictMachine, TestPrefixMachine, TestNotStrictMachine):
    machine.settings = settings(max_examples=15, stateful_step_count=20, deadline=None)
del machine


class Prefixed(KeyLayer):
    def down(self, key):
        return "p:" + key

    def up(self, key):
        return key[2:]


ON_BYTES = (Cached, Search, Prefixed, lambda store: Cached(store, policy="lfu", absences=True))
IN_THE_MIDDLE = {
    "StrictString": StrictString,
    "msgpack": Codec,
    "json": lambda store: Codec(store, "json"),
    "text": lambda store: Codec(store, "text", keys="text"),
    "cloudpickle": lambda store: Codec(store, strict=False),
    "codec over codec": lambda store: Codec(Codec(store, "json")),
}
ON_TOP = (Cached, lambda store: Search(store, "glob"), lambda store: Cached(store, maxsize=2))

OPERATIONS = st.lists(
    st.tuples(
        st.sampled_from(["set", "delete", "pop", "add", "replace", "update", "clear", "popitem", "setdefault"]),
        st.sampled_from("abc"),
        st.sampled_from("xyz"),
        st.sampled_from("xyz"),
    ),
    max_size=12,
)
numbers = itertools.count()


@settings(max_examples=60, deadline=None)
@given(
    below=st.lists(st.sampled_from(ON_BYTES), max_size=3),
    middle=st.sampled_from(sorted(IN_THE_MIDDLE)),
    above=st.lists(st.sampled_from(ON_TOP), max_size=2),
    operations=OPERATIONS,
)
def test_random_stacks(below, middle, above, operations):
    """Any sensible stack of layers over Redis behaves as a dict does, and leaves other keys alone."""
    prefix = f"stack-{next(numbers)}:"
    stack = bottom = Redis(url(SERVER, 1), prefix=prefix)
    for layer in (*below, IN_THE_MIDDLE[middle], *above):
        stack = layer(stack)
    model = {}
    with bottom:
        for name, key, value, other in operations:
            apply(stack, model, name, key, value, other)
            assert dict(stack.items()) == model
            assert stack.get_many("abcd", MISSING) == [model.get(key, MISSING) for key in "abcd"]
            assert len(stack) == len(model)
            assert set(stack.keys("*")) == model.keys()
        with raw(1) as client:
            assert len(client.keys(prefix + "*")) == len(model)


def apply(stack, model, name, key, value, other):
    """Do one operation on both, and compare what they return."""
    if name == "set":
        stack[key] = model[key] = value
    elif name == "update":
        stack.update({key: value, other: value})
        model.update({key: value, other: value})
    elif name == "clear":
        stack.clear()
        model.clear()
    elif name == "add":
        assert stack.add(key, value) == (key not in model)
        model.setdefault(key, value)
    elif name == "replace":
        fits = model.get(key) == other
        assert stack.replace(key, other, value) == fits
        if fits:
            model[key] = value
    elif name == "popitem":
        if model:
            found, held = stack.popitem()
            assert model.pop(found) == held
    elif name == "setdefault":
        assert stack.setdefault(key, value) == model.setdefault(key, value)
    elif name == "delete":
        assert stack.delete(key) == (model.pop(key, MISSING) is not MISSING)
    else:
        assert stack.pop(key, MISSING) == model.pop(key, MISSING)


def test_every_capability_is_the_engines_own():
    """The verbs that Redis does itself are native through a whole stack, and those that it does not are not claimed."""
    with RedisStore(url(SERVER)) as store:
        engine = store.raw
        native = {"set_many", "get_many", "delete_many", "add", "replace", "pop", "has", "count", "clear", "entries"}
        assert native | {"select", "ttl"} <= engine.capabilities
        assert not {"replace_all", "flush"} & engine.capabilities
        assert native | {"ttl"} <= store.capabilities
        assert "ttl" in Cached(store).capabilities
        assert store.dialect == Cached(store).dialect == "server_glob"
