"""A layer of bytes goes in where the bytes are, and opening a stack takes off named stores and codecs alone."""

import pickle

import pytest

from spoonbill import Cached, Codec, Frozen, KeyLayer, StrictString
from spoonbill.backends import Lmdb, Memory
from spoonbill.datastores import FilesystemStore, LmdbStore, PysosStore
from spoonbill.errors import CodecError, StackError
from spoonbill.store import BytesLayer


class Flipped(BytesLayer):
    """Flips every bit of what is stored."""

    def __init__(self, store, *, mask=0xFF):
        super().__init__(store)
        self.mask = mask

    def encode(self, value, key):
        return bytes(byte ^ self.mask for byte in self._checked(value, key))

    def decode(self, data, key):
        return bytes(byte ^ self.mask for byte in data)


class Mine(KeyLayer):
    """A namespace by down and up alone."""

    def down(self, key):
        return f"mine:{key}"

    def up(self, key):
        return key[5:]


@pytest.mark.parametrize(
    "build",
    [
        lambda path: Codec(Flipped(LmdbStore(path))),
        lambda path: Flipped(LmdbStore(path)),
        lambda path: Flipped(Codec(Lmdb(path))),
        lambda path: Cached(Flipped(LmdbStore(path))),
    ],
)
def test_it_works_on_the_stored_bytes(build, tmp_path):
    """Over a named store or a codec it stands below the codec: what is stored is the flipped msgpack."""
    with build(tmp_path / "d") as store:
        store.update({"a": {"b": (1, 2)}, 5: None})
        assert store["a"] == {"b": (1, 2)}
        assert dict(store.items()) == {"a": {"b": (1, 2)}, 5: None}
        assert store.replace("a", {"b": (1, 2)}, [3])
        assert store.pop("a") == [3]
        store["a"] = 1
    with Lmdb(tmp_path / "d") as raw:
        assert raw["a"] == bytes([0xFF ^ 1])


def test_its_options_go_down_with_it(tmp_path):
    """The layer below the codec has the options that were given, and the stack pickles."""
    store = Flipped(LmdbStore(tmp_path / "d"), mask=1)
    store["a"] = 4
    assert Lmdb(tmp_path / "d")["a"] == bytes([5])
    assert pickle.loads(pickle.dumps(store))["a"] == 4
    assert store.native("get") is True
    assert "below the codec" in store.route("get")
    with pytest.raises(CodecError, match="put a Codec"):
        Flipped(Memory())["a"] = "text"


def test_it_keeps_the_codec_of_the_stack(tmp_path):
    """A named store's own codec stays above it."""
    with Flipped(PysosStore(tmp_path / "p", codec="json")) as store, pytest.raises(ValueError, match=r"(?i)json"):
        store["a"] = [1]  # flipped bytes are no JSON, which pysos needs
    with Flipped(StrictString(Memory())) as store:
        store[1] = 2
        assert store["1"] == "2"


@pytest.mark.parametrize("top", [Flipped, Codec, StrictString])
def test_nothing_but_a_codec_is_taken_off(top, tmp_path):
    """A cache, a frozen store or a namespace in the way is kept where it holds bytes, and refused where it does not."""
    mine = Codec(Mine(Lmdb(tmp_path / "d")))
    top(mine)["k"] = b"1" if top is Flipped else 1
    assert list(Lmdb(tmp_path / "d")) == ["mine:k"]
    for layer in (Cached, Frozen):
        with pytest.raises(StackError, match=rf"other way round: {layer.__name__}\({top.__name__}"):
            top(layer(LmdbStore(tmp_path / "d")))
    cached = Codec(FilesystemStore(tmp_path / "f", cache=1000), "json")
    cached["a"] = 1
    assert isinstance(cached.inner.inner, Cached)
