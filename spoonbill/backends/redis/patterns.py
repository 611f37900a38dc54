"""Patterns as the glob that a Redis server narrows by: it matches at least what the pattern does."""

import re
from collections.abc import Sequence

from spoonbill.query import AnyOf, Glob, Like, Pattern, ServerGlob
from spoonbill.query.wildcards import CharSet, Token, Wild

_SPECIAL = re.compile(rb"[*?\[\]\\^-]")
EVERYTHING = b"*"


def literal(text: bytes) -> bytes:
    """Return a glob that matches `text` alone."""
    return _SPECIAL.sub(rb"\\\g<0>", text)


def server_pattern(pattern: Pattern | None) -> bytes:
    """Return the glob for what a server is asked: the pattern itself where it is the server's own, else a wider one."""
    if pattern is None or pattern.everything:
        return EVERYTHING
    if isinstance(pattern, ServerGlob):
        return pattern.data
    try:
        if isinstance(pattern, (Glob, Like)):
            return _of_tokens(pattern.tokens)
        return _of_beginnings([text.encode("utf-8", "surrogateescape") for text in pattern.prefixes])
    except UnicodeEncodeError:  # no key can match; the test in Python says so
        return EVERYTHING


def is_servers_own(pattern: Pattern | None) -> bool:
    """Return whether a pattern was given as a plain string, in the server's own grammar, or is everything."""
    if isinstance(pattern, AnyOf):
        return any(map(is_servers_own, pattern.patterns))
    return pattern is None or pattern.everything or isinstance(pattern, ServerGlob)


def _of_tokens(tokens: Sequence[Token]) -> bytes:
    return b"".join(map(_of_token, tokens))


def _of_token(token: Token) -> bytes:
    if isinstance(token, int):
        return literal(chr(token).encode("utf-8", "surrogateescape"))
    if isinstance(token, CharSet) and not token.negated and all(high < 0x80 for _, high in token.ranges):
        return b"[%b]" % b"".join(_span(*pair) for pair in token.ranges)
    return EVERYTHING if token is Wild.RUN else b"?*"  # one character is one byte or more


def _span(low: int, high: int) -> bytes:
    return b"".join(literal(b"%c" % unit) for unit in range(low, high + 1))


def _of_beginnings(beginnings: Sequence[bytes]) -> bytes:
    """Return one glob for several beginnings: a server would walk through all its keys for each."""
    first, last = min(beginnings), max(beginnings)
    length = next((at for at, unit in enumerate(first) if last[at : at + 1] != first[at : at + 1]), len(first))
    common = first[:length]
    nexts = sorted({text[len(common) : len(common) + 1] for text in beginnings})
    if len(nexts) < 2 or b"" in nexts:
        return literal(common) + EVERYTHING
    return literal(common) + b"[" + b"".join(map(literal, nexts)) + b"]*"
