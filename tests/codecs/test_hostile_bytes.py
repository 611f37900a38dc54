"""What planted bytes may cost: no crash, no time that grows with the square, no memory that they only claim.

What could end the interpreter or take its memory runs in a process of its own, which has a limit.
"""

import pickle
import struct
import subprocess
import sys
import time

import numpy as np
import ormsgpack
import pytest

from spoonbill import Cached, eq
from spoonbill.codecs import get_codec
from spoonbill.codecs.safetensors.header import build_header, parse_header
from spoonbill.common.equality import python_equal
from spoonbill.common.nesting import MOST_COLLISIONS, MOST_LEVELS, copied
from spoonbill.datastores import InMemoryStore
from spoonbill.errors import CodecError, InvalidKeyError, KeyDecodeError
from spoonbill.keys import decode_key, encode_key
from spoonbill.query.values import equal

MODULUS = 2**61 - 1  # what Python's hash of an int is taken by
KINDS = {
    "list": lambda value: [value],
    "dict": lambda value: {"a": value},
    "keys": lambda value: {1: value},
    "tuple": lambda value: (value,),
}


def nest(depth, *kinds, value=1):
    for level in range(depth):
        value = kinds[level % len(kinds)](value)
    return value


def mixed(depth):
    """Lists to the depth, with a tuple at each 20th level: more than each library counts on its own."""
    return nest(depth, KINDS["tuple"], *[KINDS["list"]] * 19)


def run(code, megabytes=600):
    """Run code that may crash; return its exit code and what it printed."""
    head = f"import resource; resource.setrlimit(resource.RLIMIT_AS, ({megabytes} << 20,) * 2)\n"
    done = subprocess.run([sys.executable, "-c", head + code], capture_output=True, text=True, check=False, timeout=100)
    return done.returncode, done.stdout.strip() or done.stderr[-500:]


# -- depth ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("codec", "nested"),
    [
        ("msgpack", lambda depth: nest(depth, KINDS["list"])),
        ("msgpack", lambda depth: nest(depth, KINDS["dict"])),
        ("msgpack", lambda depth: nest(depth, KINDS["keys"])),
        ("msgpack", mixed),
        ("msgpack", lambda depth: nest(depth, *[KINDS["dict"]] * 240, KINDS["tuple"])),
        ("msgpack", lambda depth: [b"\xc4" * 700, mixed(depth - 1)]),
        ("json", lambda depth: nest(depth, KINDS["list"], KINDS["dict"])),
        ("pickle-plain", lambda depth: nest(depth, KINDS["list"], KINDS["tuple"], KINDS["keys"])),
    ],
)
def test_every_safe_codec_has_one_limit_of_depth_on_both_sides(codec, nested):
    """500 levels of any kinds come back equal, 501 are refused: when written, and when stored bytes hold them."""
    codec = get_codec(codec)
    value = nested(MOST_LEVELS)
    assert python_equal(codec.loads(codec.dumps(value)), value)
    with pytest.raises(CodecError, match=f"{MOST_LEVELS} levels"):
        codec.dumps(nested(MOST_LEVELS + 1))


@pytest.mark.parametrize(
    ("codec", "stored"),
    [
        ("msgpack", b"\x91" * 501 + b"\x01"),
        ("msgpack", b"\x81\x01" * 501 + b"\x01"),
        ("msgpack", b"\x91" * 300 + b"\xc8\x01\x2c\x02\x91" + b"\x91" * 298 + b"\x01"),
        ("json", b"[" * 501 + b"]" * 501),
        ("json", b'{"a":' * 501 + b"1" + b"}" * 501),
        ("json", b"[" * 100_000),
        ("pickle-plain", b"\x80\x05" + b")" + b"\x85" * 501 + b"."),
        ("pickle-plain", b"\x80\x05" + b"]" * 501 + b"a" * 500 + b"."),
    ],
)
def test_deeper_stored_bytes_are_refused(codec, stored):
    """Bytes that nest deeper, as no codec of ours writes them, are an error too."""
    with pytest.raises(CodecError, match="levels"):
        get_codec(codec).loads(stored)


@pytest.mark.parametrize("kinds", ["list,tuple", "tuple", "set"])
def test_deep_values_do_not_end_the_process(kinds):
    """Twenty thousand levels through extension types are an error on both sides, and no overflow of the stack."""
    code = (
        "import struct\nfrom spoonbill.codecs import MsgpackCodec\nvalue, data = 1, b'\\x01'\n"
        f"kinds = {kinds!r}\n"
        "for _ in range(40):\n"
        "    for _ in range(500 if 'list' in kinds else 0): value, data = [value], b'\\x91' + data\n"
        "    value = frozenset([value]) if kinds == 'set' else (value,)\n"
        "    data = b'\\x91' + data\n"
        "    data = b'\\xc9' + struct.pack('>IB', len(data), 4 if kinds == 'set' else 2) + data\n"
        "for use in (lambda: MsgpackCodec().dumps(value), lambda: MsgpackCodec().loads(data)):\n"
        "    try: use(); print('done')\n"
        "    except ValueError as error: print(type(error).__name__)\n"
    )
    expected = "CodecError\nCodecError" if "list" in kinds else "done\ndone"
    assert run(code) == (0, expected)


def test_deep_values_are_compared_and_copied():
    """`==`, `replace`, `eq`, the search for them and the copies of a cache go on where Python's own recursion ends."""
    one, two = (nest(20_000, KINDS["list"], KINDS["dict"], KINDS["tuple"]) for _ in range(2))
    other = nest(20_000, KINDS["list"], KINDS["dict"], KINDS["tuple"], value=2)
    assert python_equal(one, two)
    assert equal(one, two)
    assert not python_equal(one, other)
    assert not equal(one, other)
    assert python_equal(copied(one), two)
    assert copied(one) is not one
    store = InMemoryStore({"a": one})
    assert store == {"a": two}
    assert store != {"a": other}
    assert list(store.keys()) == ["a"]
    assert list(store.items(eq(two))) == [("a", one)]
    assert list(store.items(eq(other))) == []
    assert store.replace("a", two, 5) is True
    cached = Cached(InMemoryStore({"a": one}), copy=True)
    assert python_equal(cached["a"], cached["a"])
    assert cached["a"] is not cached["a"]


def test_values_that_contain_themselves_are_compared():
    """Two endless values of the same shape are equal, of another shape are not; neither takes for ever."""
    one, two, other = [1], [1], [2]
    for value in (one, two, other):
        value.append(value)
    assert python_equal(one, two)
    assert equal(one, two)
    assert not python_equal(one, other)
    twice = [[], []]
    for _ in range(200):
        twice = [[twice[0], twice[0]], [twice[1], twice[1]]]
    assert python_equal(*twice)
    with pytest.raises(CodecError):
        get_codec("msgpack").dumps(one)


def test_keys_have_the_same_limit_of_depth():
    """A key of 500 levels comes back from a deep stack too; 501 are refused, both ways."""
    for kind in (lambda part: (part,), lambda part: frozenset([part])):
        key = nest(MOST_LEVELS, kind)
        name = encode_key(key)
        assert decode_key(name) == key
        with pytest.raises(InvalidKeyError, match=f"{MOST_LEVELS} levels"):
            encode_key(kind(key))
        with pytest.raises(KeyDecodeError, match=f"{MOST_LEVELS} levels"):
            decode_key(f"!t{len(name)}:{name}")


# -- pickles -------------------------------------------------------------------------------------------------------


def shared(levels, hashed):
    """A pickle of a tuple of twice a tuple of twice a tuple ..., which is hashed or not."""
    body = b"\x80\x05" + (b"\x8f(" if hashed else b"") + b")\x94" + b"".join(b"h%c\x86\x94" % n for n in range(levels))
    return body + (b"\x90." if hashed else b".")


@pytest.mark.parametrize(
    "stored",
    [
        b"\x80\x05Nr\xff\xff\xff\x1f.", b"Np999999999\n.", b"\x80\x05\x96" + b"\xff" * 7 + b"\x0f.",
        b"\x8d" + b"\xff" * 8,
        b"\x80\x05\x95" + b"\xff" * 7 + b"\0N.", b"\x80\x05\x8f(" + b")" + b"\x85" * 500_000 + b"\x90.",
        b"\x80\x05}" + b")" + b"\x85" * 500_000 + b"Ns.", b"(" * 500_000 + b".", b"]" * 500_000 + b"a" * 499_999 + b".",
        shared(60, True),
        b"\x80\x05X\xa0\x86\x01\0" + b"a" * 100_000 + b"\x94" + b"c_codecs\nencode\n(h\0Vlatin1\n"
        + b"tR0(" + b"c_codecs\nencode\n(h\0Vlatin1\ntR" * 20_000 + b"l.",
    ],
    ids=["memo", "memo text", "bytearray", "text", "frame", "set", "dict", "marks", "lists", "shared", "copies"],
)  # fmt: skip
def test_a_small_pickle_takes_little(stored, tmp_path):
    """Sizes and memo indices that are claimed, deep keys and parts that are shared end in an error in little memory."""
    (tmp_path / "stored").write_bytes(stored)
    code = (
        f"from spoonbill.codecs import PlainPickleCodec\ndata = open({str(tmp_path / 'stored')!r}, 'rb').read()\n"
        "import resource; before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "try: PlainPickleCodec().loads(data)\n"
        "except ValueError as error: print(type(error).__name__)\n"
        "assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024 + len(data)\n"
    )
    assert run(code) == (0, "CodecError")


def test_a_pickle_may_share_parts():
    """What is shared without being hashed is read, and so are large keys that are shared by many dicts."""
    codec = get_codec("pickle-plain")
    value = codec.loads(shared(60, False))
    for _ in range(60):
        assert value[0] is value[1]
        value = value[0]
    key = tuple(range(100))
    value = [{key: number, (key, number): 1} for number in range(1000)]
    assert codec.loads(codec.dumps(value)) == value


# -- quadratic cost ------------------------------------------------------------------------------------------------

ALIKE = [number * MODULUS for number in range(40_000)]


def msgpack_of(code, numbers):
    parts = b"".join(b"\xc7\x0a\x01" + number.to_bytes(10, "big") for number in numbers)
    body = b"\xdd" + len(numbers).to_bytes(4, "big") + parts
    return b"\xc9" + len(body).to_bytes(4, "big") + bytes([code]) + body


def msgpack_dict(numbers):
    parts = b"".join(b"\xc7\x0a\x01" + number.to_bytes(10, "big") + b"\xc0" for number in numbers)
    return b"\xdf" + len(numbers).to_bytes(4, "big") + parts


def pickled(opcodes, numbers):
    start, before, after, end = opcodes
    return b"\x80\x05" + start + b"".join(before + pickle.dumps(number, 2)[2:-1] + after for number in numbers) + end


STORED = {
    "set": ("msgpack", lambda numbers: msgpack_of(3, numbers)),
    "frozenset": ("msgpack", lambda numbers: msgpack_of(4, numbers)),
    "dict": ("msgpack", msgpack_dict),
    "inner dict": ("msgpack", lambda numbers: b"\x91" + msgpack_dict(numbers)),
    "pickled set": ("pickle-plain", lambda numbers: pickled((b"\x8f(", b"", b"", b"\x90."), numbers)),
    "pickled set, one by one": ("pickle-plain", lambda numbers: pickled((b"\x8f", b"(", b"\x90", b"."), numbers)),
    "pickled frozenset": ("pickle-plain", lambda numbers: pickled((b"(", b"", b"", b"\x91."), numbers)),
    "pickled dict": ("pickle-plain", lambda numbers: pickled((b"(", b"", b"N", b"d."), numbers)),
    "pickled items": ("pickle-plain", lambda numbers: pickled((b"}(", b"", b"N", b"u."), numbers)),
    "pickled items, one by one": ("pickle-plain", lambda numbers: pickled((b"}", b"", b"Ns", b"."), numbers)),
    "old set": (
        "pickle-plain",
        lambda numbers: pickled((b"c__builtin__\nset\n(](", b"", b"", b"etR."), numbers),
    ),
}


@pytest.mark.parametrize("kind", sorted(STORED))
def test_keys_that_collide_are_refused_at_once(kind):
    """40,000 ints of one hash take seconds to put into a set or dict: above the limit they are an error before that."""
    name, make = STORED[kind]
    codec = get_codec(name)
    few = codec.loads(make(ALIKE[:MOST_COLLISIONS]))
    assert len(few[0] if type(few) is list else few) == MOST_COLLISIONS
    stored = make(ALIKE)
    start = time.perf_counter()
    with pytest.raises(CodecError, match="hash is the same"):
        codec.loads(stored)
    assert time.perf_counter() - start < 3  # half a minute, where they are put in


@pytest.mark.parametrize("codec", ["msgpack", "pickle-plain"])
@pytest.mark.parametrize("kind", [set, frozenset, dict.fromkeys, lambda keys: [{"a": set(keys)}]])
def test_keys_that_collide_are_not_written(codec, kind):
    """What would be refused when it is read is refused when it is written; as many that do not collide are held."""
    codec = get_codec(codec)
    with pytest.raises(CodecError, match="hash is the same"):
        codec.dumps(kind(ALIKE[: MOST_COLLISIONS + 1]))
    for keys in (ALIKE[:MOST_COLLISIONS], range(5000), [f"{n}" for n in range(5000)], [(n, -n) for n in range(5000)]):
        assert codec.loads(codec.dumps(kind(keys))) == kind(keys)


def test_a_frozenset_of_colliding_parts_is_no_key():
    """Of a key too: neither written nor read."""
    few, many = frozenset(ALIKE[:MOST_COLLISIONS]), ALIKE[: MOST_COLLISIONS + 1]
    assert decode_key(encode_key(few)) == few
    with pytest.raises(InvalidKeyError, match="hash is the same"):
        encode_key(("a", frozenset(many)))
    names = sorted(encode_key(number) for number in ALIKE)
    start = time.perf_counter()
    with pytest.raises(KeyDecodeError, match="hash is the same"):
        decode_key("!S" + "".join(f"{len(name)}:{name}" for name in names))
    assert time.perf_counter() - start < 3


def array_frame(*parts, body=b""):
    header = ormsgpack.packb(list(parts))
    return b"\xc1\x01" + len(header).to_bytes(4, "big") + header + body


@pytest.mark.parametrize(
    ("stored", "reason"),
    [
        (array_frame("<f8", [2**63 - 1] * 80_000, "C"), "64"),
        (array_frame("<f8", [1] * 65, "C", body=b"\0" * 8), "64"),
        (array_frame(["<f8", [1] * 80_000], [1], "C", body=b"\0" * 8), "64"),
        (array_frame([["a"] * 600_000, [], [], [], 8, False], [1], "C"), "1048576"),
        (array_frame("|V0", [2**50], "C"), "1048576"),
        (array_frame(nest(40, lambda part: [part, [1]], value="<f8"), [1], "C", body=b"\0" * 8), "32 levels"),
    ],
)
def test_the_header_of_an_array_is_bounded(stored, reason):
    """Sides, dtypes in each other, elements without a byte and the header itself have limits, told before any work."""
    start = time.perf_counter()
    with pytest.raises(CodecError, match=reason):
        get_codec("msgpack").loads(stored)
    assert time.perf_counter() - start < 3


def test_arrays_at_the_limits_are_held():
    """64 sides come back; what would not be read is not written."""
    codec = get_codec("msgpack")
    assert codec.loads(codec.dumps(np.zeros((1,) * 64))).shape == (1,) * 64
    dtype = np.dtype("<f8")
    for _ in range(40):
        dtype = np.dtype([("a", dtype)])
    for array in (np.zeros(1, dtype), np.zeros(2**40, "V0")):
        with pytest.raises(CodecError):
            codec.dumps(array)


def test_the_header_of_safetensors_is_bounded():
    """A shape of 80,000 sides, and one that nests, are refused before the product is made or anything is printed."""
    for shape in (
        "[" + ",".join(["9223372036854775807"] * 80_000) + "]",
        "[" * 900 + "]" * 900,
        "[" + "1," * 64 + "1]",
    ):
        text = b'{"a":{"dtype":"F32","shape":%b,"data_offsets":[0,4]}}' % shape.encode()
        start = time.perf_counter()
        with pytest.raises(CodecError, match="no list of lengths"):
            parse_header(text, len(text) + 12)
        assert time.perf_counter() - start < 3
    with pytest.raises(CodecError, match="at most 64"):
        build_header([("a", "F32", (1,) * 65)])


# -- lengths that are claimed --------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [4_000, 50_000, 1_000_000])
def test_lists_that_claim_more_than_there_is_take_no_memory(size):
    """A thousand lists inside each other that each claim as many parts as there are bytes allocate none of them."""
    code = (
        "import resource\nfrom spoonbill.codecs import MsgpackCodec\n"
        f"data = (b'\\xdd' + ({size} - 10).to_bytes(4, 'big')) * 1000; data = data.ljust({size}, b'\\x01')[:{size}]\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "try: MsgpackCodec().loads(data)\n"
        "except ValueError as error: print(type(error).__name__)\n"
        "assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 16 * 1024 + 3 * len(data) // 1024\n"
    )
    assert run(code) == (0, "CodecError")


def test_a_snapshot_frame_is_read_by_what_there_is(tmp_path):
    """A frame that claims two gigabytes in a file of some bytes is a torn snapshot, and takes no memory."""
    (tmp_path / "s").write_bytes(b"spoonbill snapshot 1\n" + struct.pack(">II", 2**31 - 1, 0) + b"x" * 100)
    code = (
        "import resource\nfrom spoonbill.datastores import InMemoryStore\n"
        f"try: InMemoryStore({{}}).load({str(tmp_path / 's')!r})\n"
        "except ValueError as error: print(type(error).__name__)\n"
    )
    assert run(code) == (0, "SnapshotError")
