"""One spelling of a pattern that PCRE, RE2-like engines and Python read alike."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from spoonbill.query.patterns import AnyOf, Glob, Like, Pattern, Prefix, Regex
from spoonbill.query.regextree import unbounded
from spoonbill.query.wildcards import CharSet, Token, Wild

__all__ = ["portable_regex"]

_ANY = r"[\s\S]"
_NOT_NEWLINE = r"[^\n]"
_MAX_REPEAT = 1000  # RE2 refuses more
_LAST_BMP = 0xFFFF
_SPECIAL = frozenset(r".^$*+?{}[]()|\\")
_REPEAT_SIGNS = {(0, None): "*", (1, None): "+", (0, 1): "?"}


class _NotPortableError(Exception):
    pass


def portable_regex(pattern: Pattern) -> str | None:
    r"""Spell a pattern as a regex for an engine's own matcher.

    Parameters
    ----------
    pattern : Pattern
        Any pattern; of a `Regex` only literals, ``.``, explicit sets, groups, ``|``, repeats, a ``^`` at the start and
        a ``$`` at the end, with no flag but DOTALL.

    Returns
    -------
    str or None
        A regex that begins with ``^``, to be searched without flags; None where there is none that engines agree on
        (``\d \w \s \b \Z``, lookarounds, back references, flags, characters beyond U+FFFF).

    Guarantees
    ----------
    It finds every text that the pattern matches. It finds no other, unless it contains a ``$``: engines differ on
    whether ``$`` also stands before a last newline, so the spelling allows one (and a text with one newline more than
    the pattern allows may pass). Engines are taken to match code points.
    """
    try:
        return f"^{_body(pattern)}"
    except _NotPortableError:
        return None


def _body(pattern: Pattern) -> str:
    if isinstance(pattern, Prefix):
        return "".join(_literal(ord(character)) for character in pattern.text)
    if isinstance(pattern, Glob | Like):
        return _wildcards(pattern.tokens)
    if isinstance(pattern, AnyOf):
        return f"(?:{'|'.join(map(_body, pattern.patterns))})"
    if isinstance(pattern, Regex) and pattern.tree is not None:
        flags = pattern.tree.state.flags & ~re.UNICODE
        if flags & ~re.DOTALL:
            raise _NotPortableError
        writer = _Writer(_ANY if flags & re.DOTALL else _NOT_NEWLINE)
        return writer.sequence(pattern.tree, first=True, last=True)
    raise _NotPortableError


def _wildcards(tokens: Sequence[Token]) -> str:
    if tokens and tokens[-1] is Wild.RUN:
        return "".join(map(_token, tokens[:-1]))
    return "".join(map(_token, tokens)) + "$"


def _token(token: Token) -> str:
    if isinstance(token, int):
        return _literal(token)
    if isinstance(token, CharSet):
        return _set(token.ranges, negated=token.negated)
    return _ANY if token is Wild.ONE else f"{_ANY}*"


def _literal(code: int) -> str:
    character = _checked(code)
    if character in _SPECIAL:
        return f"\\{character}"
    return character if character.isprintable() else _numeric(code)


def _checked(code: int) -> str:
    # Engines that count in UTF-16 units would see two characters; a lone surrogate cannot even be sent.
    if code > _LAST_BMP or 0xD800 <= code <= 0xDFFF:
        raise _NotPortableError
    return chr(code)


def _numeric(code: int) -> str:
    # \xhh is common ground; beyond it Python writes \uhhhh, PCRE \x{hhhh}, and the character itself suits both.
    return f"\\x{code:02x}" if code < 0x80 else chr(code)


def _set(ranges: Iterable[tuple[int, int]], *, negated: bool) -> str:
    spans = [_member(low) if low == high else f"{_member(low)}-{_member(high)}" for low, high in ranges]
    if not spans:
        raise _NotPortableError
    return f"[{'^' if negated else ''}{''.join(spans)}]"


def _member(code: int) -> str:
    character = _checked(code)
    # Numbers for all punctuation: what needs escaping inside a set differs from engine to engine.
    return character if character.isalnum() or code >= 0x80 else _numeric(code)


class _Writer:
    """Writes the tree of a regex anew, refusing what engines do not share."""

    def __init__(self, any_one: str) -> None:
        self._any = any_one

    def sequence(self, items: Any, *, first: bool, last: bool) -> str:
        """Write a sequence; it is ``first`` where nothing can come before it in a match, ``last`` where nothing after.

        Elsewhere an anchor would have to be tried there, and engines need not agree.
        """
        listed, written = list(items), []
        for index, item in enumerate(listed):
            is_last = last and index == len(listed) - 1
            written.append(self._item(item, first=first, last=is_last))
            first = first and item[0].name == "AT"
        return "".join(written)

    def _item(self, item: tuple[Any, Any], *, first: bool, last: bool) -> str:  # noqa: PLR0911 - one a kind of item
        op, argument = item
        match op.name:
            case "LITERAL":
                return _literal(argument)
            case "NOT_LITERAL":
                return _set([(argument, argument)], negated=True)
            case "ANY":
                return self._any
            case "IN":
                return self._charset(argument)
            case "BRANCH":
                return f"(?:{'|'.join(self.sequence(part, first=first, last=last) for part in argument[1])})"
            case "SUBPATTERN" if not argument[1] and not argument[2]:
                return f"(?:{self.sequence(argument[3], first=first, last=last)})"
            case "MAX_REPEAT":
                return self._repeat(*argument)
            case "MIN_REPEAT":
                return f"{self._repeat(*argument)}?"
            case "AT":
                return self._anchor(argument.name, first=first, last=last)
            case _:
                raise _NotPortableError

    @staticmethod
    def _anchor(name: str, *, first: bool, last: bool) -> str:
        if first and name == "AT_BEGINNING":
            return ""  # the whole is anchored already
        if last and name == "AT_END":
            return r"\n?$"
        raise _NotPortableError

    @staticmethod
    def _charset(members: list[tuple[Any, Any]]) -> str:
        negated = members[0][0].name == "NEGATE"
        ranges: list[tuple[int, int]] = []
        for op, argument in members[negated:]:
            if op.name == "LITERAL":
                ranges.append((argument, argument))
            elif op.name == "RANGE":
                ranges.append(argument)
            else:
                raise _NotPortableError
        return _set(ranges, negated=negated)

    def _repeat(self, minimum: int, maximum: Any, body: Any) -> str:
        top = None if unbounded(maximum) else int(maximum)
        if max(minimum, top or 0) > _MAX_REPEAT:
            raise _NotPortableError
        written = self.sequence(body, first=False, last=False)
        if len(body) != 1 or body[0][0].name not in {"LITERAL", "NOT_LITERAL", "ANY", "IN"}:
            written = f"(?:{written})"
        sign = _REPEAT_SIGNS.get((minimum, top))
        if sign is None:
            sign = f"{{{minimum}}}" if minimum == top else f"{{{minimum},{'' if top is None else top}}}"
        return written + sign
