"""Keys: injective, canonical, reversible, faithful to Python's equality; nothing is unpickled unasked."""

import enum
import math
import pickle
import sys
from collections import namedtuple
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Context, Decimal, localcontext
from fractions import Fraction
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spoonbill.common.enums import enum_member
from spoonbill.errors import InvalidKeyError, KeyDecodeError
from spoonbill.keys import decode_key, encode_key, register_enum
from tests.helpers.names import shown

moderate = settings(max_examples=400, deadline=None)


@register_enum
class Colour(enum.Enum):
    RED = 1
    CRIMSON = 1  # noqa: PIE796  # the alias is meant
    BLUE = 2


@register_enum
class Permission(enum.Flag):
    READ = 1
    WRITE = 2


class Level(enum.IntEnum):
    LOW = 1


class Name(enum.StrEnum):
    A = "a"


class Mixed(str, enum.Enum):
    A = "a"


class Unregistered(enum.Enum):
    A = 1


Point = namedtuple("Point", "x y")

texts = st.text(st.characters(exclude_categories=()), max_size=8)
marked = st.builds("!{}{}".format, st.sampled_from("siwfdnbUDTZtSep!"), st.text("0123456789:abf!.-", max_size=8))
numbers = st.one_of(
    st.booleans(),
    st.integers(),
    st.integers(-(10**309) + 1, 10**309 - 1),
    st.floats(allow_nan=False),
    st.decimals(allow_nan=False),
    st.sampled_from([0, -0.0, 1, 1.0, True, 0.5, Decimal("0.5"), Decimal("0.50"), Decimal("1E+3"), 1000, 0.1]),
    st.floats(allow_nan=False, allow_infinity=False).map(Decimal),
)
zones = st.sampled_from([UTC, timezone(timedelta(hours=5, seconds=7)), ZoneInfo("Europe/Berlin")])
moments = st.datetimes(datetime(1950, 1, 1), datetime(2050, 1, 1), timezones=st.none() | zones).filter(
    lambda t: t.tzinfo is None or t.replace(fold=1 - t.fold).utcoffset() == t.utcoffset()
)
scalars = st.one_of(
    texts, marked, numbers, numbers, st.none(), st.binary(max_size=4), st.uuids(), st.dates(), moments,
    st.sampled_from([*Colour, *Permission, *Level, *Name]),
)  # fmt: skip
keys = st.recursive(
    scalars, lambda parts: st.lists(parts, max_size=3).map(tuple) | st.frozensets(parts, max_size=3), max_leaves=6
)


@moderate
@given(keys)
def test_a_key_comes_back_equal_and_its_name_is_canonical(key):
    """Reversible, canonical, and a name that any engine can hold as UTF-8."""
    name = encode_key(key)
    assert type(name) is str
    name.encode()
    back = decode_key(name)
    assert back == key
    assert hash(back) == hash(key)
    assert encode_key(back) == name


@settings(max_examples=500, deadline=None)
@given(keys, keys)
def test_names_are_equal_exactly_where_keys_are(a, b):
    """Injective, and faithful to Python's own equality."""
    assert (encode_key(a) == encode_key(b)) == (a == b)


@settings(max_examples=500, deadline=None)
@given(numbers, numbers)
def test_numbers_of_different_types_share_a_name_exactly_where_they_are_equal(a, b):
    """1 == 1.0 == True == Decimal(1) is one key, and 0.1 is not Decimal('0.1')."""
    assert (encode_key(a) == encode_key(b)) == (a == b)


@moderate
@given(st.floats(allow_nan=False))
def test_a_float_and_its_exact_decimal_are_one_key(number):
    """A Decimal that equals a float is stored as that float, whatever its spelling."""
    assert encode_key(number) == encode_key(Decimal(number))


@moderate
@given(marked | texts.map(lambda text: "!" + text))
def test_a_name_that_is_read_is_a_name_that_would_be_written(name):
    """Any text either decodes to a key that encodes to it, or is refused with the raw key."""
    try:
        key = decode_key(name)
    except KeyDecodeError as error:
        assert error.raw == name  # noqa: PT017  # both outcomes are right
        return
    assert encode_key(key) == name


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("user:1", "user:1"),
        ("", ""),
        ("!x", "!s!x"),
        ("\ud800", "!weda080"),
        (True, "!i1"),
        (-0.0, "!i0"),
        (1e3, "!i1000"),
        (Decimal("-1.20E+2"), "!i-120"),
        (0.5, "!f0.5"),
        (Decimal("0.50"), "!f0.5"),
        (Decimal("0.10"), "!d0.1"),
        (math.inf, "!finf"),
        (Decimal("-Infinity"), "!f-inf"),
        (None, "!n"),
        (b"\x00a", "!b0061"),
        (UUID(int=1), "!U" + "0" * 31 + "1"),
        (date(2020, 1, 2), "!D2020-01-02"),
        (datetime(2020, 1, 2, 3), "!T2020-01-02T03:00:00"),
        (datetime(2020, 1, 2, 3, tzinfo=timezone(timedelta(hours=1))), "!Z2020-01-02T02:00:00+00:00"),
        ((1, "a"), "!t3:!i11:a"),
        ((), "!t"),
        (frozenset({"b", "a"}), "!S1:a1:b"),
        (Level.LOW, "!i1"),
        (Name.A, "a"),
        (Mixed.A, "a"),
        (Point(1, 2), "!t3:!i13:!i2"),
    ],
)
def test_the_names_stay_as_they_are(key, name):
    """The scheme is a storage format: these spellings must never change."""
    assert encode_key(key) == name
    assert decode_key(name) == key


@pytest.mark.parametrize(
    "key",
    [np.int64(1), np.uint8(1), np.bool_(True), np.float32(0.1), np.float64(0.5), np.float16(2), np.str_("a"),
     np.bytes_(b"a"), np.longdouble(0.5)],
)  # fmt: skip
def test_numpy_scalars_are_the_python_value_they_equal(key):
    """np.int64(1) finds what 1 stored, as in a dict."""
    assert encode_key(key) == encode_key(key.item() if not isinstance(key, np.longdouble) else 0.5)


class Fussy(str):
    __slots__ = ()

    def __eq__(self, other):
        return str(self).lower() == str(other).lower()

    def __hash__(self):
        return hash(str(self).lower())


@pytest.mark.parametrize(
    "key",
    [float("nan"), Decimal("nan"), Decimal("sNaN"), np.float32("nan"), 1j, Fraction(1, 2), [1], {}, {1},
    bytearray(b"a"),
     memoryview(b"a"), object(),
     (1, [2]), 10**309, Decimal("1E+400"), Decimal("1E+999999"), timedelta(1), range(3),
     Unregistered.A, Permission.READ | Permission.WRITE, np.datetime64("2020"), np.complex64(1), Fussy("a"), len,
     datetime(2023, 10, 29, 2, 30, tzinfo=ZoneInfo("Europe/Berlin")),
     datetime.min.replace(tzinfo=timezone(timedelta(1, -1)))],
    ids=lambda key: type(key).__name__,
)  # fmt: skip
def test_other_keys_are_refused(key):
    """What has no name of its own is a TypeError that says so, never a guess."""
    with pytest.raises(InvalidKeyError) as caught:
        encode_key(key)
    assert isinstance(caught.value, TypeError)
    assert str(caught.value)


@pytest.mark.parametrize(
    "name",
    ["!important", "!", "!i", "!i01", "!i+1", "!i1_0", "!i 1", "!i-0", "!f1.0", "!f.5", "!fnan", "!f1e400", "!d0.50",
     "!d0.5", "!dNaN", "!b0", "!b0A", "!b 00", "!sa", "!w61", "!wzz", "!n1", "!t1", "!t1:", "!t01:a", "!t-1:a", "!t2:a",
     "!S1:a1:a", "!S1:b1:a", "!D20200101", "!T2020-01-01", "!T2020-01-01T00:00:00+00:00", "!Z2020-01-01T00:00:00",
     "!Z2020-01-01T01:00:00+01:00", "!U" + "A" * 32, "!e1:x1:y", "!t7:!p8004.", "!i" + "9" * 5000, "\ud800", "!x",
     "!t" + "99:!t" * 50],
)  # fmt: skip
def test_names_that_would_never_be_written_are_refused(name):
    """A key of another program raises with the raw key, instead of becoming some other key."""
    with pytest.raises(KeyDecodeError) as caught:
        decode_key(name)
    assert caught.value.raw == name


def test_deep_nesting_is_refused():
    """Nesting beyond Python's recursion is an error of the key, both ways."""
    key = ()
    for _ in range(5000):
        key = (key,)
    with pytest.raises(InvalidKeyError):
        encode_key(key)
    name = ""
    for _ in range(2000):
        name = f"!t{len(name)}:{name}"
    with pytest.raises(KeyDecodeError):
        decode_key(name)


def test_the_decimal_context_of_the_caller_does_not_matter():
    """A short precision rounds no key, and two keys never become one."""
    digits = Decimal("1.234567890123456789012345678901234567")
    wanted = encode_key(digits)
    with localcontext(Context(prec=3)) as context:
        context.traps = dict.fromkeys(context.traps, True)
        assert encode_key(digits) == wanted
        assert encode_key(Decimal("0.5")) == "!f0.5"
        assert decode_key(wanted) == digits


class Bomb:
    """Its pickle, once loaded, leaves a trace."""

    def __reduce__(self):
        return exec, ("import sys; sys.spoonbill_bomb = True",)


def fired():
    return sys.__dict__.pop("spoonbill_bomb", False)


def test_the_bomb_of_these_tests_goes_off():
    """Without this, the tests that nothing runs would prove nothing."""
    pickle.loads(pickle.dumps(Bomb()))
    assert fired()


def test_a_pickled_key_is_read_only_where_strict_is_false():
    """strict=False keeps a key that pickles faithfully; strict reading never unpickles, nested or not."""
    key = (timedelta(1), range(3))
    name = encode_key(key, strict=False)
    assert decode_key(name, strict=False) == key
    with pytest.raises(KeyDecodeError, match="only strict=False reads"):
        decode_key(name)
    bomb = "!p" + pickle.dumps(Bomb()).hex()
    for text in (bomb, f"!t{len(bomb)}:{bomb}"):
        with pytest.raises(KeyDecodeError):
            decode_key(text)
    assert not fired()


@pytest.mark.parametrize("key", [object(), lambda: 0, 1j, Fraction(1, 2), memoryview(b"a"), [1], (1, [2])], ids=shown)
def test_unstable_keys_are_refused_even_where_strict_is_false(key):
    """A key that would not be found again, or has two names, is refused."""
    with pytest.raises(InvalidKeyError):
        encode_key(key, strict=False)


def test_a_pickled_key_does_not_depend_on_which_of_its_parts_are_one_object():
    """Equal keys have one name, whether their parts are shared or equal copies."""
    part, copy = timedelta(5), timedelta(5)
    assert encode_key(slice_key(part, part), strict=False) == encode_key(slice_key(part, copy), strict=False)


class slice_key:
    def __init__(self, a, b):
        self.parts = (a, b)

    def __eq__(self, other):
        return type(other) is slice_key and self.parts == other.parts

    def __hash__(self):
        return hash(self.parts)


def test_enumerations_are_registered_by_name():
    """An alias is its member; a name belongs to one class; a class defined again takes its place."""
    assert encode_key(Colour.CRIMSON) == encode_key(Colour.RED)

    def define():
        class Local(enum.Enum):
            A = 1

        return Local

    first, second = register_enum(define()), register_enum(define())
    name = f"{second.__module__}.{second.__qualname__}"
    assert enum_member(name, "A") is second.A
    with pytest.raises(InvalidKeyError):
        encode_key(first.A)
    with pytest.raises(ValueError, match="belongs to"):
        register_enum(Unregistered, name=name)
    with pytest.raises(TypeError):
        register_enum(int)


def test_no_two_random_uuids_share_a_name():
    """A UUID is neither its string nor its bytes."""
    key = uuid4()
    assert len({encode_key(key), encode_key(str(key)), encode_key(key.bytes), encode_key(key.int)}) == 4
