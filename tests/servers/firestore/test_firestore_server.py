"""The test server of Firestore by itself, through Google's client: it refuses and orders as the service documents."""

from datetime import UTC, datetime
from itertools import count

import pytest
from google.api_core import exceptions
from google.cloud import firestore
from google.cloud.firestore import FieldFilter
from google.cloud.firestore_v1.vector import Vector

from tests.servers.firestore_server import HOST, OPTIONS, firestore_server

NUMBERS = count()


@pytest.fixture(scope="module")
def client():
    """Google's client, at a server of its own."""
    with firestore_server() as running, pytest.MonkeyPatch.context() as patched:
        patched.setenv(HOST, f"127.0.0.1:{running.port}")
        yield firestore.Client(**OPTIONS)


@pytest.fixture
def things(client):
    """An empty collection."""
    return client.collection(f"things-{next(NUMBERS)}")


def ids(query):
    return [document.id for document in query.stream()]


def nested(levels):
    value = 1
    for _ in range(levels):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"a": [[1]]}, "array value in an array"),
        ({"__a__": 1}, "reserved"),
        ({"a": {"x" * 1501: 1}}, "1500"),
        ({"a": nested(21)}, "nested too deeply"),
        ({"a": "x" * (1 << 20)}, "exceeds the maximum allowed size"),
        ({"a": list(range(40_001))}, "index entries"),
    ],
    ids=["arrays", "reserved", "long", "deep", "large", "entries"],
)
def test_documents_that_are_refused(things, fields, message):
    """What the service cannot store is INVALID_ARGUMENT, and nothing of the batch is written."""
    batch = things._client.batch()
    batch.set(things.document("good"), {"a": nested(20)})
    batch.set(things.document("bad"), fields)
    with pytest.raises(exceptions.InvalidArgument, match=message):
        batch.commit()
    assert ids(things) == []


@pytest.mark.parametrize("name", [".", "..", "__x__", "x" * 1501])
def test_ids_that_are_refused(things, name):
    """Reserved and long ids are refused; one of 1,500 bytes is not."""
    with pytest.raises(exceptions.InvalidArgument, match="invalid"):
        things.document(name).set({})
    things.document("x" * 1500).set({})
    assert ids(things) == ["x" * 1500]


def test_requests_that_are_refused(client, things):
    """More than 500 writes, and more than 10 MiB, are refused, also as single writes."""
    for fields, number, message in (({}, 501, "maximum 500 writes"), ({"a": "x" * 1_000_000}, 11, "10485760")):
        batch = client.batch()
        for each in range(number):
            batch.set(things.document(str(each)), fields)
        with pytest.raises(exceptions.InvalidArgument, match=message):
            batch.commit()
    assert things.count().get()[0][0].value == 0


def test_preconditions(client, things):
    """Create, update, delete and the time of the last change are checked; an idle write keeps that time."""
    document = things.document("a")
    option = client.write_option(exists=True)
    with pytest.raises(exceptions.NotFound):
        document.delete(option=option)
    with pytest.raises(exceptions.NotFound):
        document.update({"a": 1})
    first = document.create({"a": 1}).update_time
    with pytest.raises(exceptions.AlreadyExists):
        document.create({"a": 2})
    assert document.set({"a": 1}).update_time == first
    second = document.update({"b.c": 2}).update_time
    assert document.get().to_dict() == {"a": 1, "b": {"c": 2}}
    with pytest.raises(exceptions.FailedPrecondition, match="base version"):
        document.delete(option=client.write_option(last_update_time=first))
    document.delete(option=client.write_option(last_update_time=second))
    assert not document.get().exists


def test_single_writes(client, things):
    """BatchWrite does each write by itself and tells which it did not."""
    reference = f"{client._database_string}/documents/{things.id}"
    writes = [{"update": {"name": f"{reference}/a"}}, {"update": {"name": f"{reference}/__b__"}}]
    request = {"database": client._database_string, "writes": writes}
    answer = client._firestore_api.batch_write(request)
    assert [status.code for status in answer.status] == [0, 3]
    assert ids(things) == ["a"]
    with pytest.raises(exceptions.InvalidArgument, match="more than once"):
        client._firestore_api.batch_write({**request, "writes": [writes[0], writes[0]]})


def test_the_order_of_values(client, things):
    """Values come in the documented order of types, and of values within one."""
    values = [
        None,
        False,
        True,
        float("nan"),
        float("-inf"),
        -1,
        -0.0,
        0,
        0.5,
        1,
        2**53,
        2**53 + 1,
        float("inf"),
        datetime(2024, 1, 1, tzinfo=UTC),
        datetime(2024, 1, 1, 0, 0, 0, 1, tzinfo=UTC),
        "",
        "a",
        "\ud7ff",
        "\ue000",
        "\U0001f600",
        b"",
        b"\x00",
        b"\xff",
        things.document("x"),
        firestore.GeoPoint(1, 2),
        firestore.GeoPoint(1, 3),
        [],
        [1, 2, 3],
        [1, 2, 3, 1],
        [2],
        Vector([5.0]),
        Vector([1.0, 2.0]),
        {},
        {"a": "aaa", "b": "baz"},
        {"a": "foo", "b": "bar"},
        {"a": "foo", "b": "bar", "c": "qux"},
        {"a": "foo", "b": "baz"},
        {"b": "aaa", "c": "baz"},
        {"c": "aaa"},
    ]
    for number, value in sorted(enumerate(values), key=lambda pair: hash(pair[0] * 7919 % 101)):
        things.document(f"{number:02}").set({"v": value})
    things.document("absent").set({"other": 1})
    expected = [f"{number:02}" for number in range(len(values))]
    assert ids(things.order_by("v")) == expected
    assert ids(things.order_by("v", direction="DESCENDING")) == expected[::-1]


def test_ranges_hold_within_a_type(things):
    """A range finds values of its operand's type, a NaN below every number; IN and == find equal numbers."""
    for name, value in {"i": 1, "f": 1.0, "nan": float("nan"), "s": "1", "n": None, "z": -0.0, "o": 0}.items():
        things.document(name).set({"v": value})
    assert ids(things.where(filter=FieldFilter("v", "<", 1))) == ["nan", "z", "o"]
    assert ids(things.where(filter=FieldFilter("v", ">=", ""))) == ["s"]
    assert ids(things.where(filter=FieldFilter("v", "==", 1))) == ["f", "i"]
    assert ids(things.where(filter=FieldFilter("v", "==", 0))) == ["o"]
    assert ids(things.where(filter=FieldFilter("v", "in", [1, "1", None]))) == ["f", "i", "s"]
    assert ids(things.where(filter=FieldFilter("v", "==", None))) == ["n"]


def test_an_index_holds_1500_bytes(things):
    """Longer texts that begin alike are equal to a query."""
    things.document("a").set({"v": "x" * 1500 + "a"})
    things.document("b").set({"v": "x" * 1500 + "b"})
    assert ids(things.where(filter=FieldFilter("v", ">", "x" * 1500))) == []
    assert ids(things.where(filter=FieldFilter("v", "==", "x" * 1500 + "z"))) == ["a", "b"]


def test_queries_that_need_an_index(things):
    """What one automatic index cannot serve is FAILED_PRECONDITION; what it can is answered."""
    things.document("a").set({"v": 1, "w": 2})
    equal, more = FieldFilter("v", "==", 1), FieldFilter("w", ">", 1)
    named = FieldFilter("__name__", ">=", things.document("a"))
    for query in (
        things.where(filter=equal).where(filter=more),
        things.where(filter=equal).order_by("w"),
        things.where(filter=equal).where(filter=named),
        things.where(filter=more).where(filter=named),
        things.order_by("v").order_by("w"),
        things.where(filter=more).where(filter=FieldFilter("v", "<", 3)),
    ):
        with pytest.raises(exceptions.FailedPrecondition, match="requires an index"):
            ids(query)
    with pytest.raises(exceptions.InvalidArgument, match="first sort property"):
        ids(things.where(filter=more).order_by("v"))
    both = things.where(filter=equal).where(filter=FieldFilter("w", "==", 2))
    for query in (both, both.order_by("__name__"), things.where(filter=more).order_by("w"), things.where(filter=named)):
        assert ids(query) == ["a"]


def test_queries_that_are_refused(client, things):
    """More than 30 values to IN, none at all, and a name in another collection are INVALID_ARGUMENT."""
    elsewhere = client.collection("other").document("a")
    for field, sign, value in (("v", "in", list(range(31))), ("v", "in", []), ("__name__", ">", elsewhere)):
        with pytest.raises(exceptions.InvalidArgument):
            ids(things.where(filter=FieldFilter(field, sign, value)))
    thirty = things.where(filter=FieldFilter("v", "in", list(range(30))))
    assert ids(thirty) == []
    with pytest.raises(exceptions.InvalidArgument, match="30"):
        ids(thirty.where(filter=FieldFilter("w", "in", [1, 2])))


def test_pages_cursors_and_projections(things):
    """Limit, offset, cursors and select do what they say, in either direction, and count counts."""
    for number in range(10):
        things.document(f"k{number}").set({"v": number // 2, "`.x": {"y": number, "z": 1}})
    by_value = things.order_by("v").order_by("__name__")
    assert ids(by_value.limit(3).offset(2)) == ["k2", "k3", "k4"]
    assert ids(by_value.start_after({"v": 1, "__name__": things.document("k2")}).limit(2)) == ["k3", "k4"]
    assert ids(by_value.start_at({"v": 4})) == ["k8", "k9"]
    assert ids(by_value.end_before({"v": 1})) == ["k0", "k1"]
    assert ids(things.order_by("__name__").start_after({"__name__": things.document("k7")})) == ["k8", "k9"]
    assert ids(things.order_by("v", direction="DESCENDING").limit(2)) == ["k9", "k8"]
    path = client_path("`.x", "y")
    (first, *_) = things.select([path]).stream()
    assert first.to_dict() == {"`.x": {"y": 0}}
    assert [document.to_dict() for document in things.select([]).limit(1).stream()] == [{}]
    assert things.where(filter=FieldFilter("v", ">", 2)).count().get()[0][0].value == 4
    assert ids(things.where(filter=FieldFilter(path, "==", 3))) == ["k3"]


def client_path(*names):
    return firestore.Client.field_path(*names)


def test_transactions_and_moments(client, things):
    """A transaction whose reads were overwritten is ABORTED and tried again; a read as of a moment sees that moment."""
    document = things.document("a")
    moment = document.set({"n": 1}).update_time
    seen = []

    @firestore.transactional
    def double(transaction):
        seen.append(document.get(transaction=transaction).to_dict()["n"])
        if len(seen) == 1:
            document.set({"n": 5})
        transaction.set(document, {"n": seen[-1] * 2})

    double(client.transaction())
    assert seen == [1, 5]
    assert document.get().to_dict() == {"n": 10}
    assert document.get(read_time=moment).to_dict() == {"n": 1}
    assert [each.to_dict() for each in things.get(read_time=moment)] == [{"n": 1}]


def test_what_there_is(client, things):
    """Absent documents of a batch are told as such, and collections are listed where they hold documents."""
    things.document("a").set({})
    things.document("a").collection("below").document("b").set({})
    found = client.get_all([things.document("none"), things.document("a")])
    assert sorted((each.id, each.exists) for each in found) == [("a", True), ("none", False)]
    assert things.id in [each.id for each in client.collections()]
    assert [each.id for each in things.document("a").collections()] == ["below"]
    assert [each.id for each in things.list_documents(page_size=1)] == ["a"]
    with pytest.raises(exceptions.NotFound, match="does not exist"):
        firestore.Client(database="other", **OPTIONS).collection("x").document("a").get()
