"""The conformance kit on an FTP server, and what is particular to it."""

import ftplib
import io
import urllib.parse
import uuid

import pytest

from spoonbill.backends import Filesystem
from spoonbill.common.sentinels import MISSING
from spoonbill.datastores import FilesystemStore, InMemoryStore
from spoonbill.errors import StoreError, UnansweredError
from spoonbill.filesystems.names import path_of
from spoonbill.filesystems.web.ftp import _says_absent
from spoonbill.filesystems.web.ftp_listing import read_listing
from spoonbill.testing import FaultyProxy
from tests.filesystems.objects import FilesContract
from tests.servers import ftp_server


@pytest.fixture(scope="module", autouse=True)
def url(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ftp")
    with ftp_server.serving(folder) as address:
        SERVER.update(url=address, folder=folder)
        yield address


SERVER: dict = {}


class TestFtp(FilesContract):
    """The medium is asked through ftplib, on a connection of its own."""

    def make(self, path):
        self.root = f"{path.name}-{uuid.uuid4().hex[:6]}/data"
        return Filesystem(f"{SERVER['url']}/{self.root}")

    def client(self):
        address = urllib.parse.urlsplit(SERVER["url"])
        client = ftplib.FTP(encoding="utf-8")
        client.connect(address.hostname, address.port)
        client.login(address.username, address.password)
        return client

    def peek(self, store, key):
        with self.client() as client:
            parts = []
            try:
                client.retrbinary(f"RETR /{self.root}/{path_of(key)}", parts.append)
            except ftplib.error_perm:
                return MISSING
            return b"".join(parts)

    def poke(self, store, key, value):
        with self.client() as client:
            client.storbinary(f"STOR /{self.root}/{path_of(key)}", io.BytesIO(value))

    def names(self, store):
        return [path.name for path in (SERVER["folder"] / self.root).iterdir()]


def test_what_is_not_atomic_is_not_claimed(url):
    """FTP has no conditions: add and replace are not native, and the guarantees say for whom they are one step."""
    store = FilesystemStore.open(f"{url}/claims")
    assert not {"add", "replace", "pop"} & store.capabilities
    assert "not between processes" in store.guarantees.atomic


def test_a_refusal_is_no_absence(url, tmp_path):
    """A file that the server may not read is a StoreError, and the password is in no message."""
    store = Filesystem(f"{url}/refused")
    store["a"] = b"1"
    (SERVER["folder"] / "refused" / "b").mkdir()
    for use in (lambda: store["b"], lambda: store.set("b", b"1"), lambda: store.delete("b")):
        with pytest.raises(StoreError, match="'b'") as caught:
            use()
        assert ftp_server.PASSWORD not in str(caught.value)
    assert ftp_server.PASSWORD not in repr(store)
    assert "b" not in store
    assert store["a"] == b"1"


def test_a_dropped_connection_is_opened_anew(url):
    """After the server has closed the connection, reads and writes go on."""
    store = Filesystem(f"{url}/dropped")
    store["a"] = b"1"
    store._folder.fs.ftp.sock.shutdown(2)
    assert store["a"] == b"1"
    store._folder.fs.ftp.sock.shutdown(2)
    store["a"] = b"2"
    assert (SERVER["folder"] / "dropped" / "a").read_bytes() == b"2"
    store.close()


def test_an_interrupted_call_leaves_no_answer_behind(url):
    """After Ctrl-C between a command and its answer the next call gets its own answer, not that one."""
    store = FilesystemStore.open(f"{url}/interrupted", codec="raw")
    store["a"] = b"1"

    def interrupted(ftp):
        ftp.putcmd("PWD")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.raw._folder._on_line(interrupted)
    assert store["a"] == b"1"
    assert list(store) == ["a"]


def test_a_snapshot_over_ftp(url):
    """A snapshot goes to the server under another name first, and comes back."""
    source = InMemoryStore({str(number): "x" * 100 for number in range(500)})
    source.save(f"{url}/snapshots/s")
    assert [path.name for path in (SERVER["folder"] / "snapshots").iterdir()] == ["s"]
    target = InMemoryStore()
    target.load(f"{url}/snapshots/s")
    assert target == source


def test_a_login_in_the_url_is_decoded(tmp_path):
    """A password that is percent-encoded is the one that it stands for, in a store and in a snapshot's URL."""
    url = SERVER["url"].replace("hush-hush", "".join(f"%{ord(sign):02x}" for sign in "hush-hush"))
    with FilesystemStore(f"{url}/encoded") as store:
        store["a"] = 1
        assert store["a"] == 1
    InMemoryStore({"a": 1}).save(f"{url}/encoded.snapshot")
    assert (SERVER["folder"] / "encoded.snapshot").exists()


def test_a_removal_whose_answer_is_lost_is_not_repeated():
    """The repetition would find nothing, and say that there was nothing."""
    address = urllib.parse.urlsplit(SERVER["url"])
    with (
        FaultyProxy(address.hostname, address.port) as proxy,
        FilesystemStore(f"ftp://user:hush-hush@127.0.0.1:{proxy.port}/lost") as store,
    ):
        store["a"] = 1
        proxy.fail("drop", b"DELE")
        with pytest.raises(UnansweredError, match="may have been done"):
            store.delete("a")
        assert "a" not in store
        assert store.delete("a") is False


@pytest.mark.parametrize("without", [("MLSD", "MLST"), ("MLSD", "MLST", "MDTM")])
def test_a_server_without_mlsd_is_listed(tmp_path, without):
    """Vsftpd and IIS know no MLSD: the store still lists, counts, clears, saves and refuses foreign files."""
    (tmp_path / "ftp" / "photos").mkdir(parents=True)
    (tmp_path / "ftp" / "photos" / "a").write_text("precious")
    with ftp_server.serving(tmp_path / "ftp", without=without) as address:
        store = FilesystemStore(f"{address}/st", codec="json")
        assert list(store) == []
        store.update({"a": 1, "b c": 2, "x" * 300: 3})
        assert dict(store.items()) == {"a": 1, "b c": 2, "x" * 300: 3}
        assert len(store) == 3
        store.save(tmp_path / "backup.snapshot")
        assert dict(InMemoryStore.open(tmp_path / "backup.snapshot")) == dict(store.items())
        memory = FilesystemStore(f"memory://{uuid.uuid4().hex}", codec="json")
        memory["a"] = 1
        with pytest.raises(StoreError, match="no save wrote"):
            memory.save(f"{address}/photos")
        store.clear()
        assert [path for path in (tmp_path / "ftp" / "st").rglob("*") if path.is_file()] == []
    assert (tmp_path / "ftp" / "photos" / "a").read_text() == "precious"


@pytest.mark.parametrize("without", [(), ("MLSD", "MLST")])
def test_a_server_that_may_not_list_does_not_look_empty(tmp_path, without):
    """Where the user may read and write but not list, what needs a listing is refused and nothing is lost."""
    with ftp_server.serving(tmp_path, perm="eradfmwMT", without=without) as address:
        store = FilesystemStore(f"{address}/st", codec="json")
        store["a"] = 1
        assert store["a"] == 1
        for call in (
            lambda: list(store),
            lambda: len(store),
            store.clear,
            lambda: store.save(tmp_path / "backup.snapshot"),
        ):
            with pytest.raises(StoreError):
                call()
        assert not (tmp_path / "backup.snapshot").exists()
        assert store.get("absent") is None
    assert (tmp_path / "st" / "a").read_text() == "1"


@pytest.mark.parametrize(
    ("refusal", "absent"),
    [
        ("550 No such file or directory.", True),
        ("550 The system cannot find the file specified.", True),
        ("550 File not found or access denied.", False),
        ("550 Permission denied.", False),
    ],
)
def test_only_a_word_that_proves_it_is_absence(refusal, absent):
    """A server that says "not found or access denied" has proven nothing."""
    assert _says_absent(refusal) is absent


def test_a_listing_that_ends_well_though_it_failed():
    """Vsftpd ends the listing of a folder that it could not open with 226: that is no empty folder."""

    class Server(ftplib.FTP):
        def retrlines(self, cmd, callback=None):
            return "226 Transfer done (but failed to open directory)."

    with pytest.raises(ftplib.error_perm):
        read_listing(Server(), "/st")
