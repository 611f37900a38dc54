"""Mutated inputs for everything that decodes bytes which others may have written.

``python tests/fuzzing/fuzzing.py TARGET COUNT SEED FOLDER`` runs one target: each input is a value, an error of the
tree, or a fault, which is printed as a line of JSON. Input number n of a seed is always the same one.
"""

import datetime as dt
import decimal
import io
import json
import pickle
import random
import resource
import struct
import sys
import time
import uuid
import warnings
import zlib
from pathlib import Path

import numpy as np

from spoonbill.backends import Dbm, Pysos
from spoonbill.codecs import Safetensors, get_codec
from spoonbill.errors import SpoonbillError
from spoonbill.keys import decode_key, encode_key
from spoonbill.snapshots import file as snapshot

CORPUS = Path(__file__).with_name("corpus")

PLAIN = [
    None, True, 0, -1, 2**40, 2**200, 1.5, "", "text", "\u00e9" * 40, [1, [2, [3]]], {"a": 1, "b": [None, {"c": "d"}]},
    [{"n": n, "x": n / 3} for n in range(12)], "x" * 300, list(range(200)),
]  # fmt: skip
PYTHON = [*PLAIN, b"bytes", (1, (2, "a")), {1, 2, 3}, frozenset({(1, 2), (3, 4)}), {(1, "a"): {2: 3}}, 1 + 2j]
TYPED = [
    *PYTHON, dt.datetime(2020, 1, 2, 3, 4, 5, tzinfo=dt.UTC), dt.date(2020, 1, 2),
    dt.timedelta(1, 2, 3), decimal.Decimal("1.50"), uuid.UUID(int=5), np.arange(6.0).reshape(2, 3), np.float32(1),
    np.zeros(2, [("a", "<f8"), ("b", "<U3", (2,))]), {"array": np.arange(3), "set": {1, 2}},
    [(n, str(n)) for n in range(9)],
]  # fmt: skip
KEYS = ["plain", "!bang", 5, -(10**30), 1.5, None, b"ab", (1, "a", (2.5, None)), frozenset({1, (2, 3), "x"}),
        dt.datetime(2020, 1, 2), decimal.Decimal("0.1"), uuid.UUID(int=7), tuple(range(40))]  # fmt: skip


class Loads:
    """Bytes that a codec loads."""

    def __init__(self, codec, values, dumps=None):
        self.codec = codec
        self.seeds = [(dumps or codec.dumps)(value) for value in values]

    def __call__(self, data, folder):
        self.codec.loads(data)


class Keys:
    """The name of a key."""

    seeds = [encode_key(key).encode() for key in KEYS]

    def __call__(self, data, folder):
        decode_key(data.decode("utf-8", "surrogateescape"))


class Frames:
    """The frames of a snapshot, half of them with a checksum that fits."""

    def __init__(self):
        file = io.BytesIO()
        snapshot._write_frames(file, [("a", 1), (("b", 2), [1, {"c": 2}]), ("d", np.arange(4))], allow_pickle=False)
        self.seeds = [file.getvalue()] + [snapshot._frame(key, key, allow_pickle=False) for key in KEYS]

    def __call__(self, data, folder):
        if not data.startswith(snapshot._MAGIC[:4]):
            data = snapshot._MAGIC + struct.pack(">II", len(data), zlib.crc32(data)) + data
        for _ in snapshot._read_frames(io.BytesIO(data), "fuzz", allow_pickle=False):
            pass


class PysosFile:
    """A file of pysos: opened, read and written to."""

    seeds = [
        b'# FILE-DICT v1\n"a"\t1\n"b"\t{"x":[1,2]}\n#"c"\t"deleted"\n\n"d"\t"' + b"x" * 40 + b'"\n',
        b'# FILE-DICT v1\n"a"\t1\n"a"\t2\n#......\n"\\u00e9"\t"\xc3\xa9"\n#"torn"\t',
    ]

    def __call__(self, data, folder):
        path = folder / "pysos"
        path.write_bytes(data)
        store = Pysos(path)
        try:
            for key in store.iter():
                store.get(key)
            store.set("new", b"[1]")
        finally:
            store.close()


class DumbIndex:
    """The index of a dumb dbm: opened and read."""

    seeds = [b"'a', (0, 5)\n'b', (512, 10)\n", b"'\xe9', (0, 0)\n'x y', (1024, 3)\n"]

    def __call__(self, data, folder):
        (folder / "dumb.dir").write_bytes(data)
        (folder / "dumb.dat").write_bytes(b"x" * 1100)
        store = Dbm(folder / "dumb", dbm="dbm.dumb")
        try:
            for key in store.iter():
                store.get(key)
        finally:
            store.close()


TARGETS = {
    "msgpack": lambda: Loads(get_codec("msgpack"), TYPED),
    "json": lambda: Loads(get_codec("json"), PLAIN),
    "pickle": lambda: Loads(
        get_codec("pickle-plain"),
        [(protocol, value) for protocol in range(6) for value in PYTHON],
        lambda pair: pickle.dumps(pair[1], pair[0]),
    ),
    "keys": Keys,
    "frames": Frames,
    "safetensors": lambda: Loads(
        Safetensors("np"), [{"a": np.arange(3)}, np.ones((2, 3)), {"m": np.array(1, "i1"), "n": np.zeros((0, 4))}]
    ),
    "pysos": PysosFile,
    "dumb": DumbIndex,
}

NUMBERS = [
    struct.pack(form, number)
    for form in (">B", ">H", ">I", ">Q", "<H", "<I", "<Q")
    for number in (0, 1, 127, 2 ** (8 * struct.calcsize(form)) - 1, 2 ** (8 * struct.calcsize(form) - 1))
]


def mutated(seeds, random):
    """Return one of the seeds with a few changes."""
    data = bytearray(random.choice(seeds))
    for _ in range(random.choice((1, 1, 2, 3, 5, 8))):
        at = random.randrange(len(data) + 1)
        end = min(len(data), at + random.choice((1, 1, 2, 4, 8, 30)))
        kind = random.randrange(8)
        if kind == 0 and at < len(data):
            data[at] ^= 1 << random.randrange(8)
        elif kind == 1 and at < len(data):
            data[at] = random.randrange(256)
        elif kind == 2:
            del data[at:end]
        elif kind == 3:
            number = random.choice(NUMBERS)
            data[at : at + (len(number) if random.random() < 0.5 else 0)] = number
        elif kind == 4:
            data[at:at] = data[at:end] * random.choice((1, 2, 10, 100, 600))
        elif kind == 5:
            other = random.choice(seeds)
            start = random.randrange(len(other) + 1)
            data[at:end] = other[start : start + random.randrange(1, 60)]
        elif kind == 6:
            data[at:at] = random.randbytes(random.randrange(1, 9))
        elif random.random() < 0.2:
            del data[at:]
        del data[100_000:]
    return bytes(data)


def saved_inputs(target):
    """Return the inputs that once were a fault of a target."""
    return [path.read_bytes() for path in sorted(CORPUS.glob(f"{target}-*"))]


def peak():
    """Return the most memory that this process ever had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def run(target, count, seed, folder):
    """Feed inputs to a target, and print how it went; the number of each is in a file, should the process end."""
    warnings.simplefilter("ignore")
    decode = TARGETS[target]()
    seeds = [*decode.seeds, *saved_inputs(target)]
    for data in seeds:
        decode_one(decode, data, folder)
    before, slowest, faults, values = peak(), (0.0, -1), [], 0
    with (folder / "number").open("w+b", buffering=0) as progress:
        for number in range(count):
            progress.seek(0)
            progress.write(b"%d" % number)
            data = mutated(seeds, random.Random(f"{seed}:{number}"))
            start, memory = time.perf_counter(), peak()
            fault = decode_one(decode, data, folder)
            slowest = max(slowest, (time.perf_counter() - start, number))
            values += fault == ""
            if peak() - memory > 64 + len(data) / 2**20:
                fault = f"{peak() - memory:.0f} MB"
            if fault and fault != "refused":
                faults.append((number, fault))
                (folder / f"{target}-{seed}-{number}").write_bytes(data)
    print(json.dumps({"faults": faults[:20], "slowest": slowest, "memory": peak() - before, "values": values}))


def decode_one(decode, data, folder):
    """Return "" for a value, "refused" for an error of the tree, else the fault."""
    try:
        decode(data, folder)
    except SpoonbillError:
        return "refused"
    except BaseException as error:
        return f"{type(error).__name__}: {error}"[:300]
    return ""


if __name__ == "__main__":
    run(sys.argv[1], int(sys.argv[2]), sys.argv[3], Path(sys.argv[4]))
