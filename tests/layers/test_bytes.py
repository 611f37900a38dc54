"""Compression, encryption and signatures: nothing is lost, nothing that was changed is taken."""

import contextlib
import os
import random

import pytest

from spoonbill import Cached, Codec, Compressed, Encrypted, Prefixed, Signed
from spoonbill.backends import Memory
from spoonbill.datastores import InMemoryStore, LmdbStore
from spoonbill.errors import CodecError, StackError, UnsupportedError
from spoonbill.testing import LayerContract

KEY = bytes(range(32))
OTHER = bytes(range(1, 33))
METHODS = ("zstd", "lz4", "gzip", "brotli")


class TestCompressed(LayerContract):
    def wrap(self, inner):
        return Compressed(inner, min_size=0)


class TestGzip(LayerContract):
    def wrap(self, inner):
        return Compressed(inner, "gzip")


class TestEncrypted(LayerContract):
    def wrap(self, inner):
        return Encrypted(inner, KEY)


class TestChaCha(LayerContract):
    def wrap(self, inner):
        return Encrypted(inner, {"old": OTHER, "new": KEY}, cipher="chacha20-poly1305")


class TestSigned(LayerContract):
    def wrap(self, inner):
        return Signed(inner, {"2026": KEY})


class TestAllThree(LayerContract):
    def wrap(self, inner):
        return Compressed(Encrypted(Signed(Prefixed(inner, "p"), KEY), KEY), "lz4")


@pytest.mark.parametrize("method", METHODS)
def test_compression_that_helps_is_used(method):
    """A long value of one letter shrinks; a small or random one stays plain with a marker byte."""
    raw = Memory()
    store = Compressed(raw, method)
    noise = random.Random(1).randbytes(1000)
    store.update({"long": b"x" * 10_000, "small": b"x", "noise": noise, "empty": b""})
    assert len(raw["long"]) < 200
    assert raw["small"] == b"\0x"
    assert raw["noise"] == b"\0" + noise
    assert store.copy() == {"long": b"x" * 10_000, "small": b"x", "noise": noise, "empty": b""}
    assert Compressed(raw, "gzip")["long"] == b"x" * 10_000  # the marker tells the method


@pytest.mark.parametrize("method", METHODS)
def test_a_bomb_stops_at_max_size(method):
    """A small value that becomes a large one is refused, and takes no more memory than allowed."""
    raw = Memory()
    Compressed(raw, method, max_size=1 << 40)["bomb"] = bytes(50_000_000)
    assert len(raw["bomb"]) < 1_000_000
    with pytest.raises(CodecError, match="max_size"):
        Compressed(raw, method, max_size=1_000_000)["bomb"]
    assert Compressed(raw, method, max_size=50_000_000)["bomb"] == bytes(50_000_000)


@pytest.mark.parametrize("method", METHODS)
def test_damaged_data_is_an_error_of_the_tree(method):
    """Cut or mutated bytes give a value or a CodecError, and nothing else."""
    raw = Memory()
    store = Compressed(raw, method, min_size=0, max_size=1_000_000)
    store["a"] = b"some text, " * 50
    good = raw["a"]
    chooser = random.Random(3)
    for _ in range(500):
        bad = bytearray(good[: chooser.randint(0, len(good))] if chooser.random() < 0.3 else good)
        for _ in range(chooser.randint(0, 3)):
            if bad:
                bad[chooser.randrange(len(bad))] = chooser.randrange(256)
        raw["a"] = bytes(bad)
        with contextlib.suppress(CodecError):
            assert isinstance(store["a"], bytes)


@pytest.mark.parametrize("layer", [Encrypted, Signed])
def test_every_changed_bit_is_noticed(layer):
    """200 values, every bit of each flipped once: each is refused, and the error names the key."""
    raw = Memory()
    store = layer(raw, {"k1": KEY})
    for number in range(200):
        store[f"key{number}"] = b"v%d" % number
    chooser = random.Random(5)
    for number in range(200):
        key = f"key{number}"
        data = raw[key]
        bits = range(len(data) * 8) if number < 5 else [chooser.randrange(len(data) * 8) for _ in range(20)]
        for bit in bits:
            changed = bytearray(data)
            changed[bit // 8] ^= 1 << bit % 8
            raw[key] = bytes(changed)
            with pytest.raises(CodecError, match=key):
                store[key]
        raw[key] = data
        assert store[key] == b"v%d" % number
    for cut in (b"", data[:1], data[:-1], data[:5]):
        raw["key0"] = cut
        with pytest.raises(CodecError, match="key0"):
            store["key0"]


@pytest.mark.parametrize("layer", [Encrypted, Signed])
def test_a_value_moved_to_another_key_is_refused(layer):
    """The key is part of what is proven."""
    raw = Memory()
    store = layer(raw, KEY)
    store.update({"salary:me": b"1", "salary:boss": b"2"})
    raw["salary:me"], raw["salary:boss"] = raw["salary:boss"], raw["salary:me"]
    for key in store:
        with pytest.raises(CodecError, match="another key"):
            store[key]
    with pytest.raises(CodecError):
        dict(store.items())


@pytest.mark.parametrize("layer", [Encrypted, Signed])
def test_rotation(layer):
    """New values take the last key, old ones are read by theirs, and rotate() writes all by the new one."""
    raw = Memory()
    layer(raw, {"old": OTHER})["a"] = b"1"
    both = layer(raw, {"old": OTHER, "new": KEY})
    both["b"] = b"2"
    assert both.copy() == {"a": b"1", "b": b"2"}
    with pytest.raises(CodecError, match="'old'"):
        layer(raw, {"new": KEY})["a"]
    seen = []
    assert both.rotate(progress=seen.append) == 2
    assert seen == [1, 2]
    assert layer(raw, {"new": KEY}).copy() == {"a": b"1", "b": b"2"}
    assert layer(raw, {"old": OTHER, "new": KEY}, current="old")._keys.current == "old"


def test_rotation_of_a_named_store(tmp_path):
    """It works below the codec, where the layer stands."""
    path = tmp_path / "d"
    with Encrypted(LmdbStore(path), {"1": OTHER}) as store:
        store.update({number: {"n": number} for number in range(10)})
    with Encrypted(LmdbStore(path), {"1": OTHER, "2": KEY}) as store:
        assert store.rotate() == 10
    with Encrypted(LmdbStore(path), {"2": KEY}) as store:
        assert store[3] == {"n": 3}
        assert b"n" not in store.raw["!i3"][:4]


def test_secrets_are_in_no_repr():
    """Neither repr nor an error shows a secret key."""
    store = Encrypted(Memory(), {"k": KEY})
    assert repr(KEY) not in repr(store)
    assert repr(KEY)[2:-1] not in repr(Signed(Memory(), KEY))
    for wrong in (b"short", {"k": b"x" * 31}, {}, {1: KEY}, {"k": "text"}):
        with pytest.raises(UnsupportedError):
            Encrypted(Memory(), wrong)
    with pytest.raises(UnsupportedError, match="16"):
        Signed(Memory(), b"short")
    with pytest.raises(UnsupportedError, match="current"):
        Signed(Memory(), {"a": KEY}, current="b")
    with pytest.raises(UnsupportedError, match="no method"):
        Compressed(Memory(), "zip")


def test_orders_that_make_no_sense_are_refused():
    """A layer of bytes over decoded values names the order that works."""
    for layer in (Compressed, lambda store: Encrypted(store, KEY), lambda store: Signed(store, KEY)):
        with pytest.raises(StackError, match="other way round"):
            layer(Cached(Codec(Memory())))
    assert Codec(Compressed(Encrypted(InMemoryStore(), os.urandom(32)))).get("a") is None
