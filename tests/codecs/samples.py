"""What the tests of codecs share."""

import collections
import dataclasses
import datetime as dt
import enum
import math
import struct
import zoneinfo
from decimal import Decimal

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from spoonbill.codecs import get_codec, register_enum

moderate = settings(max_examples=400, deadline=None)
packed = get_codec("msgpack")
NAMES = ["msgpack", "json", "raw", "text", "pickle", "cloudpickle", "pickle-plain"]


@register_enum
class Colour(enum.Enum):
    RED = 1


@register_enum
class Level(enum.IntEnum):
    LOW = 1


@register_enum
class Word(enum.StrEnum):
    A = "a"


class Unregistered(enum.Enum):
    A = 1


@dataclasses.dataclass
class Data:
    a: int = 1


Point = collections.namedtuple("Point", "x")
Str = type("Str", (str,), {})
Bytes = type("Bytes", (bytes,), {})
Int = type("Int", (int,), {})
Float = type("Float", (float,), {})
Array = type("Array", (np.ndarray,), {})


def identical(a, b):
    """Equal, with the same types all the way down, the same NaNs, zeros, zones and folds."""
    if type(a) is not type(b):
        return False
    if isinstance(a, np.ndarray | np.generic):
        if a.dtype.names is not None:  # field by field: what lies between them is no value
            names = a.dtype.names
            return a.dtype == b.dtype and a.shape == b.shape and all(identical(a[name], b[name]) for name in names)
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(identical, a, b))
    if isinstance(a, set | frozenset):
        return sorted(map(mark, a)) == sorted(map(mark, b))
    if isinstance(a, dict):
        return len(a) == len(b) and all(
            identical(k, m) and identical(v, w) for (k, v), (m, w) in zip(a.items(), b.items(), strict=True)
        )
    return mark(a) == mark(b)


def mark(value):
    """Return what tells a hashable value from every other, its type included."""
    if isinstance(value, tuple):
        return repr((type(value), [mark(part) for part in value]))
    if isinstance(value, frozenset):
        return repr((type(value), sorted(mark(part) for part in value)))
    if isinstance(value, float):
        return repr((type(value), struct.pack(">d", value) if not math.isnan(value) else "nan"))
    return repr((type(value), value, getattr(value, "fold", 0)))


texts = st.text(st.characters(exclude_categories=()), max_size=8)
zones = st.sampled_from(
    [
        None,
        dt.UTC,
        dt.timezone(dt.timedelta(hours=-5, microseconds=1)),
        dt.timezone(dt.timedelta(hours=1), "mine"),
        zoneinfo.ZoneInfo("Europe/Berlin"),
        zoneinfo.ZoneInfo("UTC"),
    ]
)
moments = st.builds(lambda t, fold, zone: t.replace(fold=fold, tzinfo=zone), st.datetimes(), st.integers(0, 1), zones)
times = st.builds(lambda t, fold, zone: t.replace(fold=fold, tzinfo=zone), st.times(), st.integers(0, 1), zones)
plain = st.one_of(
    st.none(), st.booleans(), st.integers(), st.integers(-(2**200), 2**200), st.floats(), texts, st.binary(max_size=300)
)
numpy_scalars = st.one_of(
    st.builds(np.float64, st.floats()),
    st.builds(np.int8, st.integers(-128, 127)),
    st.builds(np.uint64, st.integers(0, 2**64 - 1)),
    st.builds(np.bool_, st.booleans()),
    st.builds(np.str_, texts),
    st.builds(np.bytes_, st.binary(max_size=4)),
    st.builds(np.datetime64, st.dates()),
)
scalars = st.one_of(
    plain, plain, st.dates(), moments, times, st.timedeltas(), st.decimals(), st.uuids(), st.complex_numbers(),
    st.sampled_from([Colour.RED, Level.LOW, Word.A]), numpy_scalars,
)  # fmt: skip
hashables = st.recursive(
    scalars.filter(lambda value: not (isinstance(value, Decimal) and value.is_snan())),
    lambda parts: st.lists(parts, max_size=3).map(tuple) | st.frozensets(parts, max_size=3),
    max_leaves=5,
)
values = st.recursive(
    hashables,
    lambda parts: (
        st.lists(parts, max_size=4)
        | st.lists(parts, max_size=4).map(tuple)
        | st.dictionaries(texts, parts, max_size=4)
        | st.dictionaries(hashables, parts, max_size=4)
        | st.sets(hashables, max_size=3)
    ),
    max_leaves=12,
)
dtypes = st.one_of(
    hnp.boolean_dtypes(), hnp.integer_dtypes(endianness="?"), hnp.unsigned_integer_dtypes(endianness="?"),
    hnp.floating_dtypes(endianness="?"), hnp.complex_number_dtypes(endianness="?"),
    hnp.datetime64_dtypes(endianness="?"), hnp.timedelta64_dtypes(endianness="?"),
    hnp.byte_string_dtypes(endianness="?"), hnp.unicode_string_dtypes(endianness="?"),
    hnp.array_dtypes(max_size=3, allow_subarrays=True),
)  # fmt: skip
arrays = st.one_of(
    hnp.arrays(dtypes, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4), fill=st.nothing()),
    hnp.arrays("f8", hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=4)),
)
layouts = st.sampled_from(
    [
        lambda a: a,
        np.asfortranarray,
        lambda a: a.T,
        lambda a: a[::-1] if a.ndim else a,
        lambda a: a[..., ::2] if a.ndim else a,
        lambda a: np.broadcast_to(a, (2, *a.shape)),
    ]
)

CYCLE = []
CYCLE.append(CYCLE)
