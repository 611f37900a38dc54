"""The shares of a Redis server: ranges of its hash table."""

from collections import Counter

import pytest

from spoonbill.backends import Redis
from spoonbill.backends.redis import scan_parts
from spoonbill.datastores import RedisStore
from spoonbill.errors import QueryError, StoreError
from spoonbill.query import Query
from tests.helpers.shares import check_shares, check_shares_elsewhere, check_shares_while_written
from tests.servers.redis_server import server, url

SERVER = server()

pytestmark = pytest.mark.usefixtures("redis_running")


def filled(store, count):
    keys = [f"key-{number}" for number in range(count)]
    store.update(dict.fromkeys(keys, "value"))
    return keys


@pytest.mark.parametrize("count", [5, 127, 300, 20_000])
def test_every_key_is_in_one_share(raw, count):
    """On small tables and large ones each key is in one share, and so in the shares of a search."""
    with RedisStore(url(SERVER)) as store:
        check_shares(store, filled(store, count), "key-1*")


def test_shares_with_a_prefix_hold_its_keys_alone(raw):
    """The shares of a prefix leave out the other keys of the database."""
    raw.mset({f"other-{number}": 1 for number in range(5000)})
    with RedisStore(url(SERVER), prefix="p:") as store:
        check_shares(store, filled(store, 3000), "key-1*")


def test_shares_are_even_and_narrow_on_the_server(raw):
    """Of 8 shares none holds more than 1.15 of an even part, and each is a range of the table."""
    with Redis(url(SERVER)) as store:
        store.set_many((f"key-{number}", b"v") for number in range(40_000))
        parts = store.split(8)
        assert [part[0] for part in parts] == ["scan"] * 8
        sizes = [sum(1 for _ in store.select(Query(part=part, keys_only=True))) for part in parts]
        assert sum(sizes) == 40_000
        assert max(sizes) <= 1.15 * 5000
        assert len(store.split(5)) == 5


def test_shares_cost_little_more_than_one_listing(raw):
    """Eight shares ask for at most a few pages each beyond what one listing asks for."""
    with Redis(url(SERVER)) as store:
        store.set_many((f"key-{number}", b"v") for number in range(40_000))
        raw.config_resetstat()
        assert len(list(store.iter())) == 40_000
        once = raw.info("commandstats")["cmdstat_scan"]["calls"]
        raw.config_resetstat()
        for part in store.split(8):
            list(store.select(Query(part=part, keys_only=True)))
        assert raw.info("commandstats")["cmdstat_scan"]["calls"] <= once + 3 * 8 + 2


def test_keys_that_stay_are_in_one_share_while_others_come_and_go(raw):
    """Writes beside, by which the table grows, lose no key that stays and put none into two shares."""
    with RedisStore(url(SERVER)) as store:
        check_shares_while_written(store, set(filled(store, 10_000)), "value")


def test_a_table_that_grows_and_shrinks_between_the_shares_changes_nothing(raw):
    """Ten times as many keys, and then as few again, between one share and the next: each key that stays once."""
    with RedisStore(url(SERVER)) as store:
        keys = filled(store, 5000)
        found = Counter()
        for number, share in enumerate(store.shares(8)):
            if number == 3:
                raw.mset({f"new-{index}": 1 for index in range(50_000)})
            if number == 6:
                raw.delete(*(f"new-{index}" for index in range(50_000)))
            found.update(key for key in share.keys() if key.startswith("key-"))
        assert found == Counter(keys)


def test_another_process_reads_shares(raw):
    """A share travels as a pickle to another process, which reads it with a connection of its own."""
    with RedisStore(url(SERVER)) as store:
        check_shares_elsewhere(store, filled(store, 1000))


def test_a_share_of_a_server_that_started_anew_fails(raw):
    """A cursor means nothing to another server, or to one with another table: the share says so."""
    with RedisStore(url(SERVER)) as store:
        filled(store, 1000)
        kind, _, *place = store.split(4)[0]
        with pytest.raises(StoreError, match=r"started anew.*split"):
            list(store.raw.select(Query(part=(kind, b"0" * 40, *place))))


def test_shares_of_a_table_that_is_nearly_emptied_fail(raw):
    """Where so many keys went that the table may have fewer places than shares, the share fails rather than lie."""
    with RedisStore(url(SERVER)) as store:
        keys = filled(store, 10_000)
        share = store.shares(64)[5]
        store.delete_many(keys[50:])
        with pytest.raises(StoreError, match="split them again"):
            list(share.keys())


def test_a_server_with_other_cursors_is_shared_out_by_names(raw, monkeypatch):
    """A server whose cursors are no positions in its table gets shares that carry their keys."""
    monkeypatch.setattr(scan_parts, "_reverse", lambda number: number)
    with RedisStore(url(SERVER)) as store:
        keys = filled(store, 2000)
        assert {part[0] for part in store.split(4)} == {"names"}
        check_shares(store, keys, "key-1*", counts=(4,))


def test_a_part_of_another_kind_is_refused(raw):
    """A part that a cluster made is told to be none of this store's."""
    with RedisStore(url(SERVER)) as store, pytest.raises(QueryError, match="did not make this part"):
        list(store.select(Query(part=("slots", 0, 5))))
