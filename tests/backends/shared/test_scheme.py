"""The shared parts by themselves: values as documents, escaped keys, and filters that lose nothing."""

import pickle
import subprocess
import sys
from datetime import datetime

import hypothesis.strategies as st
import pytest
from hypothesis import given

from spoonbill.backends.shared.documents import DocumentScheme, KeyEscape, after_prefix, as_float_range, server_regex
from spoonbill.errors import CodecError, MissingExtraError, PartialWriteError
from spoonbill.query import regex
from tests.contract.documents import samples
from tests.contract.documents.document_contract import same_value
from tests.helpers.names import shown

texts = st.text(
    st.sampled_from("~/.\\?# _aA0E7F\u00e9\U0001f600") | st.characters(exclude_categories=["Cs"]), max_size=8
)


class Narrow(DocumentScheme):
    """An engine that holds hardly anything as it is."""

    nests_lists = False
    native_bytes = False

    def stands_at_top(self, name):
        return len(name) == 1 and name.isalpha()

    stands_within = stands_at_top

    def holds_int(self, value):
        return abs(value) < 2**53

    def holds_float(self, value):
        return abs(value) < 2**53


class Shallow(Narrow):
    """The same, with few levels."""

    max_depth = 20


@given(value=samples.values | samples.documents)
@pytest.mark.parametrize("scheme", [DocumentScheme(), Narrow()], ids=["plain", "narrow"])
def test_what_is_dumped_is_loaded(scheme, value):
    """Every value of the model comes back, also where the engine holds little natively."""
    assert same_value(scheme.load(scheme.dump(value)), value)


@pytest.mark.parametrize("inner", [{"not one letter": 1}, b"x", 2**60, float("inf"), datetime(2024, 1, 1)], ids=shown)
def test_what_is_wrapped_stays_within_the_depth(inner):
    """The maps that we add count as levels too: what would be too deep with them is refused."""

    def depth(value):
        parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        return 1 + max(map(depth, parts), default=0) if isinstance(value, dict | list) else 0

    deepest = 0
    for levels in range(Shallow.max_depth):
        value = inner
        for _ in range(levels):
            value = {"a": value}
        try:
            deepest = max(deepest, depth(Shallow().dump(value)))
        except CodecError:
            continue
    assert deepest == Shallow.max_depth


@pytest.mark.parametrize("tree", samples.TREES, ids=shown)
def test_what_others_wrote_is_read_as_it_is(tree):
    """A document that this scheme would not have written is itself."""
    if isinstance(tree, dict) and tree.get("spoonbill__") not in ({"value": 1}, {"fields": []}):
        if tree.get("a") != {"spoonbill__": {"int": "1"}}:
            assert DocumentScheme().load(tree) == tree


ESCAPES = [
    KeyEscape(),
    KeyEscape("/\\?#", leading=(".",), trailing=" "),
    KeyEscape("/", leading=(".", "__")),
]


@pytest.mark.parametrize("escape", ESCAPES, ids=range(3))
@given(key=texts, other=texts)
def test_names_are_reversible_and_prefixes_hold(escape, key, other):
    """Two keys never have one name, and the name of a longer key begins with the prefix of its beginning."""
    assert escape.up(escape.down(key)) == key
    assert (escape.down(key) == escape.down(other)) == (key == other)
    assert escape.down(key + other).startswith(escape.prefix(key))


@pytest.mark.parametrize("name", ["", "a~b", "~41", "~7e", "~", "~C3", "a~", "~2F"])
def test_a_name_that_no_key_has_is_refused(name):
    """Only what `down` writes is read."""
    if name != "~":
        with pytest.raises(ValueError):
            KeyEscape().up(name)


@given(text=st.text(max_size=4), other=st.text(max_size=4))
def test_the_end_of_a_prefix(text, other):
    """Everything that begins with a text lies between it and the end, and nothing else does."""
    end = after_prefix(text)
    assert (text <= other and (end is None or other < end)) == other.startswith(text)


@given(number=st.integers(-(2**70), 2**70) | st.floats(allow_nan=False))
def test_bounds_enclose_a_number(number):
    """The number lies between its bounds, which are itself where floats are exact."""
    low, high = as_float_range(number)
    assert low <= number <= high
    if abs(number) <= 2**53:
        assert low == high == number


def test_a_regex_that_would_swamp_a_server_stays_here():
    """Repeats that multiply and very long patterns are not sent."""
    assert server_regex(regex("a{2,5}b")) is not None
    assert server_regex(regex("((a{2,900}){2,900}){2,900}")) is None
    assert server_regex(regex("a" * 5000)) is None
    assert server_regex(regex(r"\d")) is None


def test_a_partial_write_travels():
    """The error keeps what it tells through a pickle."""
    error = pickle.loads(pickle.dumps(PartialWriteError("text", done=3, failed=("a",))))
    assert (str(error), error.done, error.failed) == ("text", 3, ("a",))


def test_clients_are_imported_when_a_store_is_opened(monkeypatch):
    """Importing spoonbill and the names of the stores imports no client; a missing one is named with its extra."""
    code = (
        "import sys, spoonbill\n"
        "from spoonbill.datastores import MongoDBStore, DynamoDBStore, Firestore\n"
        "assert not {'pymongo', 'bson', 'boto3', 'botocore', 'google', 'grpc'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    from spoonbill.datastores import DynamoDBStore, Firestore, MongoDBStore

    for kind, module, package, extra in (
        (MongoDBStore, "pymongo", "pymongo", "mongodb"),
        (DynamoDBStore, "boto3", "boto3", "dynamodb"),
        (Firestore, "google.cloud.firestore", "google-cloud-firestore", "firestore"),
    ):
        with monkeypatch.context() as patched:
            patched.setitem(sys.modules, module, None)
            with pytest.raises(MissingExtraError, match=rf"{package}: pip install 'spoonbill-framework\[{extra}\]'"):
                kind("x")
