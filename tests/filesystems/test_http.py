"""A folder on a web server: read, listed by its pages or by a manifest, never written."""

import functools
import html
import http.server
import io
import os
import threading
import urllib.parse

import pytest

from spoonbill import prefix
from spoonbill.backends import Filesystem
from spoonbill.datastores import FilesystemStore, InMemoryStore
from spoonbill.errors import KeyDecodeError, ReadOnlyError, StoreError
from spoonbill.testing import refuses_every_write

PAIRS = {"a": 1, "B/c": [2], "": None, "..": "x", "\u00e9 *[1]\x00": {"y": 1}, "x" * 400: 3, "50%": 5}


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves a folder; answers for some paths as an ailing server would."""

    def do_GET(self):
        if "broken" in self.path:
            self.send_error(500)
        else:
            super().do_GET()

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("web")
    FilesystemStore.open(folder / "store", codec="json").update(PAIRS)
    return folder


@pytest.fixture(scope="module")
def url(folder):
    handler = functools.partial(Handler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/store"
        server.shutdown()


def test_a_web_servers_pages_are_a_listing(url):
    """Every key is listed and read, long names in their folders too; a search and a range work; nothing is written."""
    store = FilesystemStore.open(url, codec="json")
    assert store.copy() == PAIRS
    assert list(store.keys(prefix("x"))) == ["x" * 400]
    assert store.get_many(["a", "absent", "B/c"]) == [1, None, [2]]
    assert store.read_range("..", 0, 2) == b'"x'
    assert "absent" not in store
    refuses_every_write(store, PAIRS)
    with pytest.raises(ReadOnlyError):
        store.raw.set("a", b"1")
    with pytest.raises(ReadOnlyError):
        store.raw.clear()


def test_a_manifest_is_a_listing(url, folder):
    """A text file with a name a line stands for the server's pages, and is no key itself."""
    names = [str(path.relative_to(folder / "store")) for path in (folder / "store").rglob("*") if path.is_file()]
    (folder / "store" / "list.txt").write_text("\n".join(f"./{name}" for name in [*names, "list.txt"]) + "\n")
    try:
        assert FilesystemStore.open(url, codec="json", manifest="list.txt").copy() == PAIRS
    finally:
        (folder / "store" / "list.txt").unlink()


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd", "a/../../b", "A", "%2e%2e/x", "x~/../../y", "a\x00"])
def test_a_manifest_names_only_files_of_keys(url, folder, name):
    """A line that is no file of a key is an error that names it, and nothing is read from there."""
    (folder / "outside").write_text("1")
    (folder / "store" / "list.txt").write_text(name + "\n")
    try:
        with pytest.raises(KeyDecodeError, match="not written by this store"):
            FilesystemStore.open(url, codec="json", manifest="list.txt").copy()
    finally:
        (folder / "store" / "list.txt").unlink()


def test_only_404_is_absence(url):
    """An answer of 500 is a StoreError in a read and in a listing."""
    store = Filesystem(url)
    for use in (lambda: store["broken"], lambda: store.get_many(["broken"]), lambda: store.read_range("broken", 0, 1)):
        with pytest.raises(StoreError, match="500"):
            use()
    with pytest.raises(StoreError, match="500"):
        list(Filesystem(url.replace("store", "broken")))
    with pytest.raises(StoreError):
        list(Filesystem(url.replace("store", "nowhere")))


def test_a_secret_in_the_address_is_in_no_message(url):
    """A token in the query of a URL is masked in the repr and in errors."""
    store = Filesystem("http://user:hush-hush@127.0.0.1:9/x")
    with pytest.raises(StoreError) as caught:
        store["a"]
    assert "hush" not in repr(store) + str(caught.value) + str(caught.value.__cause__)


def test_what_was_saved_is_loaded_over_the_web(url, folder):
    """A snapshot and an exported folder on a web server are loaded by any store."""
    store = FilesystemStore.open(folder / "store", codec="json")
    store.save(folder / "saved")
    store.save(folder / "s.snapshot")
    for name in ("saved", "s.snapshot"):
        memory = InMemoryStore()
        memory.load(url.replace("store", name))
        assert memory == PAIRS


PAGES = {
    "sort links": lambda names: '<a href="?C=N;O=D">Name</a>' + "".join(map(link, names)),
    "an & in a name": lambda names: "".join(map(link, names)),
    "names with ./": lambda names: "".join(link(name, "./") for name in names),
    "a link to itself": lambda names: (
        '<a href="./">.</a><a href="../">..</a><a href="">x</a>' + "".join(map(link, names))
    ),
    "absolute paths": lambda names: '<a href="/">up</a>' + "".join(link(name, "/store/") for name in names),
    "links elsewhere": lambda names: '<a href="http://elsewhere.invalid/store/z">z</a>' + "".join(map(link, names)),
    "each twice": lambda names: "".join(link(name) + link(name) for name in names),
}


def link(name, start=""):
    """Return a link as a server writes it, the & of a name as &amp;."""
    return f'<li><a href="{start}{html.escape(urllib.parse.quote(name, safe="&"))}">x</a></li>'


@pytest.mark.parametrize("page", list(PAGES))
def test_listings_of_every_server_are_read(tmp_path, page):
    """Whatever a server's page looks like, each file of a key is listed once and nothing else is."""
    pairs = {"a": 1, "am&p": 3, "q?x=1": 4, "50%": 5, "c#": 6}
    FilesystemStore.open(tmp_path / "store", codec="json").update(pairs)

    class Listing(http.server.SimpleHTTPRequestHandler):
        def list_directory(self, path):
            body = PAGES[page](sorted(os.listdir(path))).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            return io.BytesIO(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Listing, directory=str(tmp_path)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        store = FilesystemStore(f"http://127.0.0.1:{server.server_port}/store", codec="json")
        assert sorted(store) == sorted(pairs)
        assert dict(store.items()) == pairs
    finally:
        server.shutdown()
        server.server_close()
