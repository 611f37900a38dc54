"""What the server of ``browse`` answers, asked over loopback."""

import json
import socket
import threading
from urllib.parse import urlsplit

import numpy as np
import pytest

from spoonbill.cli.browse.looking import Looking
from spoonbill.cli.browse.views import view_of
from spoonbill.datastores import InMemoryStore, LmdbStore
from spoonbill.store import Store
from tests.cli.browsing import browsed, fetch


@pytest.fixture
def url(tmp_path):
    with LmdbStore(tmp_path / "d", durability="process") as store:
        store.update({f"user:{number:03}": {"n": number} for number in range(120)})
        store.update({(1, "t"): 5, "text": "words"})
    return f"lmdb:{tmp_path}/d?durability=process"


def told(address, path):
    status, _, body = fetch(address + path)
    return status, json.loads(body)


def test_pages_searches_and_values(url):
    """Keys by pattern and condition, page by page; values of keys of any kind; the plan, the stack, the plots."""
    with browsed(url) as address:
        status, found = told(address, "api/keys?pattern=user:*&offset=50")
        assert status == 200
        assert [key["name"] for key in found["keys"]] == [f"user:{number:03}" for number in range(50, 100)]
        assert (found["more"], found["searching"]) == (True, False)
        assert told(address, "api/keys?pattern=user:*&offset=100")[1]["more"] is False
        found = told(address, "api/keys?kind=prefix&pattern=user:&where=n%3D%3E%3D118")[1]
        assert [key["text"] for key in found["keys"]] == ["user:118", "user:119"]
        (odd,) = (key for key in told(address, "api/keys")[1]["keys"] if key["type"] == "tuple")
        value = told(address, f"api/value?name={odd['name']}")[1]
        assert value["view"]["tree"] == {"is": "number", "text": "5"}
        assert told(address, "api/value?name=nobody")[0] == 404
        assert "ranges of keys" in told(address, "api/explain?pattern=user:*")[1]["native"]
        about = told(address, "api/store")[1]
        assert [level["class"] for level in about["stack"]] == ["Frozen", "LmdbStore", "Lmdb"]
        assert (about["count"], about["write"]) == (122, False)
        sample = told(address, "api/sample")[1]
        assert (sample["read"], sample["begins"][0]) == (122, ["user:*", 120])


def test_mistakes_are_answers(url):
    """What was asked wrongly is an error with its reason, and the server goes on."""
    with browsed(url) as address:
        for path, said in (
            ("api/keys?kind=regex&pattern=(", "pattern"),
            ("api/keys?kind=sql&pattern=a", "kind of pattern"),
            ("api/keys?where=n", "FIELD=VALUE"),
            ("api/keys?offset=-1", "whole number"),
            ("api/keys?offset=99999999", "first 200,000"),
            ("api/value", "which key"),
            ("api/value?name=!i", "names no key"),
        ):
            status, answer = told(address, path)
            assert status == 400, path
            assert said in answer["error"], path
        assert fetch(address + "api/nothing")[0] == 404
        assert fetch(address + "../../etc/passwd")[0] in {403, 404}
        assert told(address, "api/store")[0] == 200


def test_only_who_knows_the_token_under_our_name_is_answered(url):
    """A wrong token, another Host (as DNS rebinding makes it) or Origin: refused, pages and JSON alike."""
    with browsed(url, "--write") as address:
        host = urlsplit(address).netloc
        port = urlsplit(address).port
        assert fetch(address)[0] == 200
        assert fetch(address.replace("127.0.0.1", "localhost"))[0] == 200
        for path in ("", "api/store", "browse.js"):
            assert fetch(f"http://{host}/{path}")[0] == 403
            assert fetch(f"{address[:-2]}/{path}")[0] == 403
            assert fetch(address + path, Host="evil.example")[0] == 403
            assert fetch(address + path, Host=f"evil.example:{port}")[0] == 403
            assert fetch(address + path, Host="127.0.0.1")[0] == 403
            assert fetch(address + path, Origin="http://evil.example")[0] == 403
            assert fetch(address + path, Origin="null")[0] == 403
        change = {"key": "new", "value": "1"}
        assert fetch(address + "api/set", method="POST", body=change, Content_Type="text/plain")[0] == 403
        assert fetch(address + "api/set", method="POST", body=change, Origin=f"http://{host}")[0] == 200
        with pytest.raises(OSError, match="refused"):  # no other address of this machine has it
            socket.create_connection(("127.0.0.2", port), 5)


def test_every_answer_has_the_policy(url):
    """Pages, JSON, errors and refusals: no script but ours, no frame, no address sent on, nothing kept."""
    with browsed(url) as address:
        for path in (address, address + "api/store", address + "nothing", address[:-3] + "/"):
            headers = fetch(path)[1]
            assert "default-src 'none'" in headers["content-security-policy"]
            assert "unsafe" not in headers["content-security-policy"]
            assert headers["referrer-policy"] == "no-referrer"
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["cache-control"] == "no-store"
            assert "server" not in headers


def test_nothing_can_be_written_unless_it_is_asked_for(url, tmp_path):
    """Without --write there is no way to a change; with it values are set and removed."""
    with browsed(url) as address:
        assert fetch(address + "api/set", method="POST", body={"key": "new", "value": "1"})[0] in {404, 405}
        assert fetch(address + "api/delete", method="POST", body={"key": "text"})[0] in {404, 405}
    with browsed(url, "--write") as address:
        assert fetch(address + "api/set", method="POST", body={"key": "new", "value": '{"a": [1]}'})[0] == 200
        assert fetch(address + "api/set", method="POST", body={"key": "text", "value": "x", "text": True})[0] == 200
        assert b"no JSON" in fetch(address + "api/set", method="POST", body={"key": "new", "value": "{"})[2]
        assert fetch(address + "api/set", method="POST", body=[1])[0] == 400
        assert fetch(address + "api/delete", method="POST", body={"name": "user:000"})[2] == b'{"removed":true}'
        assert told(address, "api/value?name=new")[1]["editable"] == '{\n  "a": [\n    1\n  ]\n}'
    with LmdbStore(tmp_path / "d") as store:
        assert (store["new"], store["text"], "user:000" in store) == ({"a": [1]}, "x", False)


class Endless(Store):
    """Keys without end, counted as they are listed."""

    listed = 0
    holds_bytes = False

    def get(self, key, default=None):
        return 1

    def set(self, key, value):
        raise NotImplementedError

    def delete(self, key):
        raise NotImplementedError

    def iter(self):
        while True:
            self.listed += 1
            yield f"key {self.listed}"


def test_a_page_lists_no_more_than_it_shows():
    """Of keys without end a page reads its own; the next one goes on where it ended, an older one is still there."""
    store = Endless()
    looking = Looking(store, write=False)
    first = looking.keys({})
    assert first["more"]
    assert store.listed == 51
    assert looking.keys({"offset": "50"})["keys"][0]["text"] == "key 51"
    assert looking.keys({}) == first
    assert store.listed == 101
    looking.release(0)
    assert looking.keys({"offset": "100"})["keys"][0]["text"] != first["keys"][0]["text"]
    looking.stop()


def test_a_search_that_finds_nothing_does_not_hold_the_page():
    """It answers that it still searches, and ends when it is told to."""
    store = Endless()
    looking = Looking(store, write=False)
    found = looking.keys({"where": "a=5"})
    assert (found["keys"], found["searching"]) == ([], True)
    looking.stop()
    assert not [thread for thread in threading.enumerate() if thread.name == "spoonbill-browse"]


def test_a_search_that_fails_is_an_error_and_a_fresh_one_goes_on():
    """Whatever the engine raises is raised to who asks for the page; the same search asked afresh begins anew."""

    class Broken(Endless):
        broken = True

        def iter(self):
            if self.broken:
                raise RuntimeError("the engine is away")
            return iter(["key"])

    store = Broken()
    looking = Looking(store, write=False)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="away"):
            looking.keys({})
    store.broken = False
    assert [key["text"] for key in looking.keys({"fresh": "1"})["keys"]] == ["key"]
    looking.stop()


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("text", "text"),
        (b"plain bytes", "text"),
        (b"\x00\xff", "hex"),
        (b"\x89PNG\r\n\x1a\n...", "image"),
        (b"<svg onload='alert(1)'/>", "text"),
        ({"a": 1}, "json"),
        ([{"a": 1}, {"b": (1, 2)}], "table"),
        (None, "json"),
        (np.arange(6).reshape(2, 3), "tensor"),
        (np.array(["a"]), "tensor"),
        (np.array([]), "tensor"),
        (np.array([np.nan, np.inf]), "tensor"),
        (np.zeros((3, 0, 2)), "tensor"),
        (np.float32(5), "tensor"),
        (np.arange(5) * 1j, "tensor"),
    ],
)
def test_each_kind_of_value_has_a_view(value, kind):
    """And each is plain data that JSON holds."""
    view = view_of(value)
    assert view["kind"] == kind
    json.dumps(view, allow_nan=False)


def test_a_tensor_is_told_by_its_figures():
    """Shape, extremes, a histogram that counts every number, a heat map of at most 96 by 96 cells."""
    view = view_of(np.arange(300 * 200.0).reshape(3, 100, 200))
    assert (view["shape"], view["min"], view["max"]) == ([3, 100, 200], "0", "59999")
    assert sum(count for _, count in view["histogram"]) == 60000
    assert (len(view["heat"]["cells"]), len(view["heat"]["cells"][0])) == (96, 96)
    assert view["heat"]["of"] == [300, 200]


def test_keys_that_only_a_dict_holds_are_listed():
    """A key without a stored name is shown, and has no name to ask by."""
    looking = Looking(InMemoryStore({object: 1, "a\ud800": 2}), write=False)
    first, second = looking.keys({})["keys"]
    assert (first["name"], first["type"]) == (None, "type")
    assert looking.value({"name": second["name"]})["view"]["tree"]["text"] == "2"
    json.dumps([first, second]).encode()
    looking.stop()
