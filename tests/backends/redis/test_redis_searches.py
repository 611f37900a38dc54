"""Searches of RedisStore: what the server narrows to, and that it holds every match."""

import itertools
import random
import re

import hypothesis.strategies as st
import pytest
from hypothesis import example, given, settings

from spoonbill import Cached, eq, glob, gt, like, prefix, regex
from spoonbill.backends.redis.patterns import server_pattern
from spoonbill.datastores import InMemoryStore, RedisStore
from spoonbill.query import AnyOf, server_glob
from tests.servers.redis_server import calls, server, url

SERVER = server()

pytestmark = pytest.mark.usefixtures("redis_running")


def test_keys_is_keys_and_scan_is_scan(raw):
    """A plain string given to keys() is one KEYS, given to scan() a SCAN; so it is through a cache."""
    with RedisStore(url(SERVER)) as store:
        store.update({f"key-{number}": number for number in range(50)})
        assert len(set(store.keys("key-1*"))) == 11
        assert (calls(raw, "keys"), calls(raw, "scan")) == (1, 0)
        assert len(set(Cached(store).keys("*"))) == 50
        assert (calls(raw, "keys"), calls(raw, "scan")) == (2, 0)
        assert len(set(store.scan("key-1*"))) == 11
        assert calls(raw, "keys") == 2
        assert calls(raw, "scan") > 0
        assert len(list(store.keys("key-*", limit=3))) == 3
        assert calls(raw, "keys") == 2
        assert "KEYS key-1*" in str(store.explain("key-1*"))
        assert "SCAN MATCH [12]*" in str(store.explain(regex("1|2")))


def test_scan_is_lazy(raw):
    """The first key of a scan costs a page or two of a large database, not all of it."""
    with RedisStore(url(SERVER)) as store:
        store.update({f"key-{number}": number for number in range(20_000)})
        raw.config_resetstat()
        next(store.scan("key-*"))
        assert bool(store)
        store.popitem()
        assert calls(raw, "scan") <= 3
        assert len(store) == 19_999


def test_searches_find_what_a_dict_would(raw):
    """Patterns as objects and conditions on values give on Redis what they give in memory."""
    data = {
        f"{name}:{number}": {"n": number, "s": name * number}
        for name in ("user", "us\u00e9r", "x*y")
        for number in range(12)
    }
    memory = InMemoryStore(data)
    with RedisStore(url(SERVER), codec="msgpack", prefix="[p]") as store:
        store.update(data)
        for pattern in (
            glob("us?r:1*"),
            regex(r"us.r:\d$"),
            like("x*%_1"),
            prefix("x*"),
            glob("[^u]*"),
            regex("x|u"),
            glob("user:1"),
        ):
            assert set(store.keys(pattern)) == set(memory.keys(pattern)), pattern
        for conditions in ({"n": gt(10)}, {"s": regex("user"), "n": 1}, eq({"n": 0, "s": ""})):
            assert dict(store.items(conditions)) == dict(memory.items(conditions))
        assert len(list(store.items({"n": gt(5)}, limit=4))) == 4


ALPHABET = b"ab-]^[!*?\\\x80\xc3\xa9c."


def test_plain_patterns_mean_what_the_server_means(raw):
    """On 6,000 random patterns the matcher agrees with the running server, byte by byte, key by key."""
    chance = random.Random(20)
    keys = [b"".join(chance.choices([b"%c" % unit for unit in ALPHABET], k=chance.randrange(1, 5))) for _ in range(120)]
    keys += [b"a", b"b", b"-", b"]", b"^", b"\\", b"\xc3\xa9", b"ab", b"!"]
    raw.mset(dict.fromkeys(keys, b""))
    names = [key.decode("utf-8", "surrogateescape") for key in set(keys)]
    patterns = [bytes(chance.choices(ALPHABET + b"[[]]*?^-\\", k=chance.randrange(1, 9))) for _ in range(6000)]
    with RedisStore(url(SERVER)) as store, raw.pipeline(transaction=False) as batch:
        for pattern in patterns:
            batch.keys(pattern)
        for pattern, found in zip(patterns, batch.execute(), strict=True):
            text = pattern.decode("utf-8", "surrogateescape")
            matches = server_glob(text).matches
            assert {name for name in names if matches(name)} == {
                key.decode("utf-8", "surrogateescape") for key in found
            }, pattern
        for pattern in patterns[:100]:
            text = pattern.decode("utf-8", "surrogateescape")
            assert set(store.keys(text)) == set(store.scan(text)) == set(filter(server_glob(text).matches, names))


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        ("?", "a", "\u00e9"),
        ("??", "\u00e9", "a"),
        ("[a-c]x", "bx", "dx"),
        ("[^x]", "a", "x"),
        ("[!a]", "!", "b"),
        ("[!a]", "a", "c"),
        (r"\*", "*", "a"),
        ("[ab", "a", "c"),
        ("[", "", "["),
        ("*", "anything", None),
    ],
)
def test_the_grammar_by_example(raw, pattern, matching, other):
    """Wildcards, classes, negation, escapes and unterminated classes, as the server means them."""
    keys = [key for key in (matching, other) if key]
    raw.mset(dict.fromkeys(keys, ""))
    with RedisStore(url(SERVER)) as store:
        assert list(store.keys(pattern)) == list(store.scan(pattern)) == [key for key in keys if key == matching]


PATTERNS = st.one_of(
    st.text(st.sampled_from("ab*?[]^-\\\u00e9%_."), max_size=6).flatmap(
        lambda text: st.sampled_from([glob(text), like(text), prefix(text), regex(re.escape(text) + "|b.")])
    ),
)


NAMES = ["".join(letters) for size in range(4) for letters in itertools.product("ab*\u00e9-", repeat=size)]


@settings(max_examples=300, deadline=None)
@given(pattern=PATTERNS)
@example(pattern=glob("[\u00e9a]*"))
@example(pattern=AnyOf((server_glob("1*"), prefix("!"))))
@example(pattern=regex("\udc80"))
def test_what_the_server_narrows_to_holds_every_match(pattern):
    """The glob that goes to the server for a pattern object matches every key that the pattern does."""
    narrowed = server_glob(server_pattern(pattern).decode("utf-8", "surrogateescape"))
    for name in NAMES:
        assert narrowed.matches(name) or not pattern.matches(name)


def test_each_key_comes_once_while_the_table_grows_and_shrinks(raw):
    """Every key that stays is listed once, though the server's table is resized in the middle of the scan."""
    with RedisStore(url(SERVER)) as store:
        stay = {f"stay-{number}" for number in range(3000)}
        store.update(dict.fromkeys(stay, 1))
        store.update({f"go-{number}": 1 for number in range(30_000)})
        found = []
        for position, key in enumerate(store.scan("*")):
            found.append(key)
            if position == 5000:
                raw.delete(*(f"go-{number}" for number in range(30_000)))
            if position == 6000:
                raw.mset({f"new-{number}": 1 for number in range(50_000)})
        assert len(found) == len(set(found))
        assert stay <= set(found)


def test_iterating_takes_little_memory(raw):
    """A loop over 200,000 items holds their names and no values: less than 30 MB, for values of 100 MB."""
    import tracemalloc

    with RedisStore(url(SERVER), codec="raw") as store:
        store.update((f"key-{number}", b"v" * 500) for number in range(200_000))
        tracemalloc.start()
        try:
            count = sum(1 for _ in store.items())
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert count == 200_000
    assert peak < 30_000_000
