"""Searches as Firestore's filters."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from spoonbill.backends.firestore.filters import BY_NAME, CUT, Filter, Test, cut_bytes, cut_text
from spoonbill.backends.shared.documents import (
    NOTHING,
    RESERVED,
    DocumentScheme,
    KeyEscape,
    Path,
    Pushdown,
    PushedPart,
    after_prefix,
    as_float_range,
    in_utc,
    is_sound,
)
from spoonbill.query import Condition, Ge, Gt, Part, Pattern, Prefix

RANGE: Final = "range"
"""The kind of a part: ``("range", low, high)``, the names from `low` up to `high`, None for no bound."""

_MOST_IN: Final = 30
_MOST_OPERANDS: Final = 600
_MOST_PREFIXES: Final = 10
_EXACT: Final = 1 << 53
_SIGNS: Final = {"Gt": ">", "Ge": ">=", "Lt": "<", "Le": "<="}


class FirestorePushdown(Pushdown[Filter]):
    """Filters as tests of fields that Firestore's own indexes answer, without an index of the user's.

    A field is named by its path, never by a text made of data.

    Parameters
    ----------
    scheme : DocumentScheme
        How values are held.
    escape : KeyEscape
        How keys are written.
    """

    def __init__(self, scheme: DocumentScheme, escape: KeyEscape) -> None:
        super().__init__(scheme)
        self._escape = escape

    def key(self, pattern: Pattern) -> PushedPart[Filter] | None:
        if pattern.literal is not None:
            if not is_sound(pattern.literal):
                return NOTHING
            name = self._escape.down(pattern.literal)
            return PushedPart(Filter("key", ((Test(BY_NAME, "==", name),),), 9), exact=True)
        texts = {self._escape.prefix(text) for text in pattern.prefixes if is_sound(text)}
        if not texts:
            return NOTHING
        if "" in texts or len(texts) > _MOST_PREFIXES:
            return None
        ranges = tuple(_range(BY_NAME, text, name_after(text)) for text in sorted(texts))
        return PushedPart(Filter("range", ranges, 5), exact=isinstance(pattern, Prefix))

    def match(self, where: Path, pattern: Pattern) -> PushedPart[Filter] | None:
        if pattern.literal is not None and is_sound(pattern.literal):
            return self.eq(where, pattern.literal)
        sound = [text for text in pattern.prefixes if is_sound(text)]
        if not sound:
            return NOTHING
        cut = [cut_text(text) for text in sound]
        texts = {text if short is None else short for text, short in zip(sound, cut, strict=True)}
        if len(texts) > _MOST_PREFIXES:
            texts = {""}
        ranges = tuple(_range(where, text, after_prefix(text) if text else None) for text in sorted(texts))
        exact = (isinstance(pattern, Prefix) or pattern.everything) and not any(cut)
        return _part(Filter("range", ranges, 4 if "" not in texts else 2), where, exact=exact)

    def eq(self, where: Path, operand: Any) -> PushedPart[Filter] | None:  # noqa: PLR0911 - one a kind of operand
        if operand is None:
            return _part(Filter("equal", ((Test(where, "null"),),)), where, exact=False)
        if isinstance(operand, list | dict):
            if not self._is_comparable(operand):
                return None
            return _part(Filter("equal", ((Test(where, "==", operand),),)), where, exact=False)
        if isinstance(operand, datetime):
            return _same_time(where, operand)
        if isinstance(operand, str | bytes):
            return _same_text(where, operand)
        if isinstance(operand, bool) or 0 < abs(operand) < _EXACT:
            return _part(Filter("equal", ((Test(where, "==", operand),),)), where, exact=True)
        if operand == 0:  # the service orders -0.0 before 0
            return _part(Filter("equal", ((Test(where, "in", [0, -0.0]),),)), where, exact=True)
        low, high = as_float_range(operand)
        return _part(Filter("range", ((Test(where, ">=", low), Test(where, "<=", high)),), 5), where, exact=False)

    def _is_comparable(self, operand: list[Any] | dict[Any, Any]) -> bool:
        """Return whether every stored list or map that is equal to `operand` is so in the index too."""
        if isinstance(operand, dict) and not all(
            type(name) is str and is_sound(name) and self.scheme.stands_within(name) for name in operand
        ):
            return False
        items = list(operand.values()) if isinstance(operand, dict) else operand
        return len(repr(operand)) * 4 <= CUT and all(
            self._is_comparable(item)
            if isinstance(item, dict)
            else not isinstance(item, list) and self.scheme.is_simple(item) and (item != 0 or item is False)
            for item in items
        )

    def order(self, where: Path, kind: type[Condition], operand: Any) -> PushedPart[Filter] | None:
        sign = _SIGNS[kind.__name__]
        if isinstance(operand, datetime):
            return _time_order(where, sign, operand)
        if isinstance(operand, str | bytes):
            return _text_order(where, sign, operand)
        if abs(operand) >= _EXACT:
            low, high = as_float_range(operand)
            test = Test(where, ">=", low) if kind in {Gt, Ge} else Test(where, "<=", high)
            return _part(Filter("range", ((test,),), 3), where, exact=False)
        bound: float = operand
        if operand == 0:
            bound = -0.0 if kind is Ge else 0
        # A NaN comes before all numbers in the index.
        return _part(Filter("range", ((Test(where, sign, bound),),), 3), where, exact=kind in {Gt, Ge})

    def one_of(self, where: Path, operands: Sequence[Any]) -> PushedPart[Filter] | None:
        wanted: dict[Any, Any] = {}
        for operand in operands:
            held = in_utc(operand) if isinstance(operand, datetime) else operand
            if operand is not None and not self._is_scalar(held):
                return None
            wanted.setdefault((isinstance(held, bool), held), held)
        null = wanted.pop((False, None), 0) is None
        if (False, 0) in wanted:
            wanted[False, 0] = 0
        values = [*wanted.values(), *([-0.0] if (False, 0) in wanted else [])]
        if len(values) > _MOST_OPERANDS:
            return None
        chunks = [values[start : start + _MOST_IN] for start in range(0, len(values), _MOST_IN)]
        alternatives = [(Test(where, "in", chunk),) for chunk in chunks]
        if null:
            alternatives.append((Test(where, "null"),))
        return _part(Filter("equal", tuple(alternatives)), where, exact=not null)

    def _is_scalar(self, value: Any) -> bool:
        if isinstance(value, str):
            return is_sound(value) and cut_text(value) is None
        if isinstance(value, bytes):
            return cut_bytes(value) is None
        return isinstance(value, bool | datetime) or (isinstance(value, int | float) and abs(value) < _EXACT)

    def present(self, where: Path) -> PushedPart[Filter] | None:
        # The indexes of the Enterprise edition hold a null for what is absent.
        return _part(Filter("range", ((Test(where, "there"),),), 1), where, exact=False)

    def absent(self, where: Path) -> PushedPart[Filter] | None:  # noqa: ARG002 - no index holds what is not there
        return None

    # -- what goes together ------------------------------------------------------------------------------------

    def combine(
        self, parts: Sequence[tuple[str, PushedPart[Filter] | None]]
    ) -> list[tuple[str, PushedPart[Filter] | None]]:
        """Keep what one query may ask without an index of the user's: all equalities, or else one range."""
        sent = [part.filter for _, part in parts if part is not None and part is not NOTHING]
        part = [each for each in sent if each.kind == "part"]
        chosen = [each for each in sent if each.kind == "key"][:1]
        if not chosen:
            chosen = [each for each in sent if each.kind == "equal" and not _is_choice(each)]
            chosen += [each for each in sent if each.kind == "equal" and _is_choice(each)][:1]
        ranges = [each for each in sent if each.kind == "range" and (each.by_name or not part)]
        if not chosen and ranges:
            chosen = [max(ranges, key=lambda each: each.rank)]
        chosen += part
        return [
            (text, part if part is NOTHING or part is None or any(part.filter is each for each in chosen) else None)
            for text, part in parts
        ]

    def both(self, filters: Sequence[Filter]) -> Filter:
        key = next((each for each in filters if each.kind == "key"), None)
        if key is not None:
            return key if all(_holds_name(each, key) for each in filters) else Filter("equal", ())
        joined: tuple[tuple[Test, ...], ...] = ((),)
        for each in filters:
            joined = tuple((*left, *right) for left in joined for right in each.alternatives)
        return Filter("equal", joined)

    def either(self, filters: Sequence[Filter]) -> Filter:
        alternatives = tuple(tests for each in filters for tests in each.alternatives)
        return Filter("range", alternatives, min(each.rank for each in filters), overlapping=True)

    def part(self, part: Part) -> PushedPart[Filter] | None:
        if part[0] != RANGE:
            return None
        _, low, high = part
        tests = [Test(BY_NAME, "from", low)] if low is not None else []
        tests += [Test(BY_NAME, "until", high)] if high is not None else []
        return PushedPart(Filter("part", (tuple(tests),)), exact=True)

    def show(self, native: Filter) -> str:
        queries = [" and ".join(map(str, tests)) for tests in native.alternatives]
        return "where " + "; and where ".join(queries)


def _holds_name(part: Filter, key: Filter) -> bool:
    """Return whether a range of names holds the one name that a filter asks for; any other filter holds every name."""
    name = key.alternatives[0][0].operand
    tests = part.alternatives[0] if part.kind == "part" else ()
    return all(name >= test.operand if test.sign == "from" else name < test.operand for test in tests)


def _part(asked: Filter, where: Path, *, exact: bool) -> PushedPart[Filter] | None:
    """Return a filter as a part, None where the service takes no path so long.

    Below the reserved field another tool's document may pass too.
    """
    size = sum(len(name.encode()) + name.count("`") + name.count("\\") + 3 for name in where)
    return None if size > CUT else PushedPart(asked, exact=exact and len(where) == 1)


def _is_choice(asked: Filter) -> bool:
    return len(asked.alternatives) > 1 or any(test.sign == "in" for tests in asked.alternatives for test in tests)


def _range(where: Path, low: Any, high: Any) -> tuple[Test, ...]:
    return (Test(where, ">=", low),) if high is None else (Test(where, ">=", low), Test(where, "<", high))


def name_after(text: str) -> str | None:
    """Return a name after all that begin with `text` that can be one: with no ``/``, and neither ``.`` nor ``..``."""
    after = after_prefix(text)
    if after is None:
        return None
    if after.endswith("/"):
        return after[:-1] + "0"  # no name has a / in it
    return after + "\0" if after in {".", ".."} else after


def _same_time(where: Path, operand: datetime) -> PushedPart[Filter] | None:
    instant = in_utc(operand)
    if instant is None:
        return _part(Filter("range", (_wrapped_time(where),), 3), where, exact=False)
    return _part(Filter("equal", ((Test(where, "==", instant),),)), where, exact=True)


def _time_order(where: Path, sign: str, operand: datetime) -> PushedPart[Filter] | None:
    instant = in_utc(operand)
    if instant is not None:
        # What is beyond the years 1 to 9999 in UTC is wrapped.
        alternatives = ((Test(where, sign, instant),), _wrapped_time(where))
        return _part(Filter("range", alternatives, 3), where, exact=False)
    return None if operand.utcoffset() is not None else _same_time(where, operand)


def _wrapped_time(where: Path) -> tuple[Test, ...]:
    return (Test((*where, RESERVED, "datetime"), "there"),)


def _cut(operand: str | bytes) -> tuple[Any, Any]:
    """Return the beginning of a text or bytes too long for an index and what comes after all that begin so."""
    if isinstance(operand, str):
        text = cut_text(operand)
        return text, None if text is None else after_prefix(text)
    data = cut_bytes(operand)
    return data, None if data is None else _bytes_after(data)


def _same_text(where: Path, operand: str | bytes) -> PushedPart[Filter] | None:
    short, after = _cut(operand)
    if short is None:
        return _part(Filter("equal", ((Test(where, "==", operand),),)), where, exact=True)
    return _part(Filter("range", (_range(where, short, after),), 5), where, exact=False)


def _text_order(where: Path, sign: str, operand: str | bytes) -> PushedPart[Filter] | None:
    short, after = _cut(operand)
    if short is None:
        return _part(Filter("range", ((Test(where, sign, operand),),), 3), where, exact=True)
    if sign in {">", ">="}:
        return _part(Filter("range", ((Test(where, ">=", short),),), 3), where, exact=False)
    return None if after is None else _part(Filter("range", ((Test(where, "<", after),),), 3), where, exact=False)


def _bytes_after(data: bytes) -> bytes | None:
    """Return the least bytes after all that begin with `data`; None where there are none."""
    kept = data.rstrip(b"\xff")
    return kept[:-1] + bytes([kept[-1] + 1]) if kept else None
