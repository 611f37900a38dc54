"""The tests' Cosmos DB server answers the unmodified client as the service is documented to; see its module."""

import pytest
from azure.core import MatchConditions
from azure.cosmos import CosmosClient, PartitionKey
from azure.cosmos.exceptions import CosmosHttpResponseError

from tests.servers.cosmosdb_server import CREDENTIAL, OPTIONS, answer_with, cosmosdb_server, endpoint

COUNT = "SELECT VALUE COUNT(1) FROM c"
IDS = 'SELECT VALUE c["id"] FROM c'


@pytest.fixture(scope="module")
def server():
    """One server for the module."""
    with cosmosdb_server() as running:
        yield running


@pytest.fixture(scope="module")
def container(server):
    """A container with 250 documents."""
    with CosmosClient(endpoint(server), credential=CREDENTIAL, **OPTIONS) as client:
        made = client.create_database("d").create_container("c", PartitionKey("/id"))
        for number in range(250):
            made.create_item({"id": f"k{number}", "n": number}, no_response=True)
        yield made


def refused(call, *arguments, **options):
    """Return the status and the substatus of the error that a call raises."""
    with pytest.raises(CosmosHttpResponseError) as caught:
        call(*arguments, **options)
    return caught.value.status_code, caught.value.sub_status


def test_absence_and_conditions(container, server):
    """What is not there is 404, what is there already 409, what has changed 412, what was injected as it was."""
    assert refused(container.read_item, "x", "x") == (404, None)
    assert refused(container.delete_item, "x", "x") == (404, None)
    assert refused(container.create_item, {"id": "k1"}) == (409, None)
    changed = {"etag": "other", "match_condition": MatchConditions.IfNotModified}
    assert refused(container.replace_item, "k1", {"id": "k1"}, **changed) == (412, None)
    assert refused(container.delete_item, "k1", "k1", **changed) == (412, None)
    item = container.read_item("k1", "k1")
    python_equal = {"etag": item["_etag"], "match_condition": MatchConditions.IfNotModified}
    assert container.replace_item("k1", {"id": "k1", "n": 1}, **python_equal)["_etag"] != item["_etag"]
    answer_with(server, {"status": 418, "times": 1, "headers": {"x-ms-substatus": "7"}})
    assert refused(container.read_item, "k1", "k1") == (418, 7)
    assert container.read_item("k1", "k1")["_attachments"] == "attachments/"


def test_limits(container):
    """Ids, documents and times to live that the service refuses are refused."""
    assert refused(container.create_item, {"id": "x" * 1024})[0] == 400
    assert refused(container.create_item, {"id": "x", "text": "y" * (2 * 1024 * 1024)})[0] == 413
    assert refused(container.create_item, {"id": "x", "ttl": "soon"})[0] == 400
    assert refused(container.create_item, {"id": "x", "ttl": 0})[0] == 400
    assert refused(container.read_item, "a\tb", "a\tb")[0] == 400
    for gateway_fails in ("50%25", "%e9", "a ", "a#b"):
        assert refused(container.read_item, gateway_fails, gateway_fails)[0] == 401


def test_what_has_no_owner(server):
    """A document of a container that is not there is 404 with the substatus 1003."""
    with CosmosClient(endpoint(server), credential=CREDENTIAL, **OPTIONS) as client:
        gone = client.get_database_client("d").create_container("gone", PartitionKey("/id"))
        gone.create_item({"id": "a"})
        client.get_database_client("d").delete_container("gone")
        assert refused(gone.read_item, "a", "a") == (404, 1003)
        assert refused(gone.create_item, {"id": "a"}) == (404, 1003)
        assert refused(list, gone.query_items(IDS, enable_cross_partition_query=True)) == (404, 1003)


def test_pages_and_partitions(container):
    """Pages continue without repeats though documents are replaced, and parts of the hashes share out all of them."""
    seen = []
    for page in container.query_items(IDS, enable_cross_partition_query=True).by_page():
        ids = list(page)
        assert len(ids) <= 100
        seen += ids
        for key in ids[:5]:
            container.upsert_item({"id": key, "n": -1})
    assert sorted(seen) == sorted({f"k{number}" for number in range(250)})
    parts = [list(container.query_items(IDS, feed_range=part)) for part in container.read_feed_ranges()]
    assert len(parts) == 2
    assert sorted(parts[0] + parts[1]) == sorted(seen)
    for key in ("k7", "k200"):
        # The hash is the client's own: a range that is one key's finds that key.
        part = container.feed_range_from_partition_key(key)
        assert list(container.query_items(IDS, feed_range=part)) == [key]
        assert list(container.query_items(IDS, partition_key=key)) == [key]


def test_counting_needs_the_clients_plan(container):
    """A count over all partitions is the sum that the client makes, and one partition's the service's own."""
    assert list(container.query_items(COUNT, enable_cross_partition_query=True)) == [250]
    assert list(container.query_items(COUNT, partition_key="k3")) == [1]
