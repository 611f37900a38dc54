"""Patterns on strings, as classes. Users make them by the functions of `spoonbill.query.dialects`.

Each is a small value: frozen, hashable, picklable, and printed as the call that makes it. ``matches`` is its meaning,
on every store. The rest are facts about it that an engine may use to read less.
"""

import codecs
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, NamedTuple

from spoonbill.errors import QueryError
from spoonbill.query import regextree, wildcards
from spoonbill.query.timed import timed_match

__all__ = [
    "AnyOf",
    "Glob",
    "Like",
    "Pattern",
    "Prefix",
    "Regex",
    "ServerGlob",
]


class Facts(NamedTuple):
    """What is known of a pattern beside its meaning (see the properties of `Pattern`)."""

    prefixes: tuple[str, ...]
    everything: bool = False
    literal: str | None = None


@dataclass(frozen=True)
class Pattern(ABC):
    """A test of a string.

    Guarantees
    ----------
    Immutable, so safe to share between threads. It pickles as its arguments.
    """

    def matches(self, text: str) -> bool:
        """Return whether the pattern matches a text."""
        return bool(self._test(text))

    def bounded(self, seconds: float) -> "Pattern":  # noqa: ARG002 - for patterns that can be slow
        """Return the pattern with a bound on the time of a match. Most take a time that the text's length bounds."""
        return self

    @property
    def prefixes(self) -> tuple[str, ...]:
        """Texts such that every match begins with one of them: sorted, none the beginning of another, never none.

        ``("",)`` where nothing is known.
        """
        return self._facts.prefixes

    @property
    def everything(self) -> bool:
        """Whether it surely matches every string."""
        return self._facts.everything

    @property
    def literal(self) -> str | None:
        """The one string that it matches, where that is known."""
        return self._facts.literal

    @cached_property
    def _facts(self) -> Facts:
        return self._find_facts()

    @cached_property
    def _test(self) -> Callable[[str], object]:
        if self.everything:
            return _yes
        literal = self.literal
        return self._compile() if literal is None else lambda text: text == literal

    @abstractmethod
    def _find_facts(self) -> Facts: ...

    @abstractmethod
    def _compile(self) -> Callable[[str], object]:
        """Return a function whose answer is true for a match."""

    def __reduce__(self) -> tuple[Any, ...]:
        # What is cached on the instance is no part of it, and a function does not pickle.
        return type(self), tuple(getattr(self, field.name) for field in fields(self))


def _yes(_: str) -> bool:
    return True


def _reduced(prefixes: Iterable[str]) -> tuple[str, ...]:
    kept: list[str] = []
    for text in sorted(prefixes):  # a beginning sorts before all that it begins
        if not kept or not text.startswith(kept[-1]):
            kept.append(text)
    return tuple(kept)


@dataclass(frozen=True)
class _OfText(Pattern):
    """A pattern that is written as one text."""

    text: str

    def __post_init__(self) -> None:
        if not isinstance(self.text, str):
            raise QueryError(f"{_call(self)} takes a string, not {self.text!r}")

    def __repr__(self) -> str:
        return f"{_call(self)}({self.text!r})"


def _call(pattern: Pattern) -> str:
    return {"ServerGlob": "server_glob"}.get(type(pattern).__name__, type(pattern).__name__.lower())


class _Wildcards(_OfText):
    """A wildcard pattern over characters."""

    @cached_property
    def tokens(self) -> tuple[wildcards.Token, ...]:
        """The pattern, parsed."""
        return self._parse()

    @abstractmethod
    def _parse(self) -> tuple[wildcards.Token, ...]: ...

    def _find_facts(self) -> Facts:
        units = wildcards.literal_units(self.tokens)
        return Facts(
            _reduced("".join(map(chr, head)) for head in wildcards.heads(self.tokens)),
            everything=self.tokens == (wildcards.Wild.RUN,),
            literal=None if units is None else "".join(map(chr, units)),
        )

    def _compile(self) -> Callable[[str], object]:
        return re.compile(wildcards.python_source(self.tokens), re.DOTALL).match


class Glob(_Wildcards):
    """Redis's glob grammar over characters. See `spoonbill.query.glob`."""

    def _parse(self) -> tuple[wildcards.Token, ...]:
        return wildcards.glob_tokens([ord(character) for character in self.text])


class Like(_Wildcards):
    """SQL's LIKE. See `spoonbill.query.like`."""

    def _parse(self) -> tuple[wildcards.Token, ...]:
        return wildcards.like_tokens(self.text)


class ServerGlob(_OfText):
    """Redis's glob grammar over bytes, as its server applies it. See `spoonbill.query.server_glob`."""

    def __post_init__(self) -> None:
        super().__post_init__()
        _ = self.data  # a text without bytes is refused here, not in the middle of a search

    @cached_property
    def data(self) -> bytes:
        """The pattern as it goes to the server."""
        try:
            return self.text.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:
            raise QueryError(f"{self!r} has a lone surrogate, which no key on a server has") from None

    @cached_property
    def _tokens(self) -> tuple[wildcards.Token, ...]:
        return wildcards.glob_tokens(self.data, signed=True)

    def _find_facts(self) -> Facts:
        units = wildcards.literal_units(self._tokens)
        return Facts(
            _reduced(_whole_characters(bytes(head)) for head in wildcards.heads(self._tokens)),
            everything=self._tokens == (wildcards.Wild.RUN,),
            literal=None if units is None else bytes(units).decode("utf-8", "surrogateescape"),
        )

    def _compile(self) -> Callable[[str], object]:
        found = re.compile(wildcards.python_source(self._tokens).encode("ascii"), re.DOTALL).match

        def test(text: str) -> object:
            try:
                return found(text.encode("utf-8", "surrogateescape"))
            except UnicodeEncodeError:
                return False  # no server holds such a text

        return test


def _whole_characters(head: bytes) -> str:
    # A head can end inside a character; its last bytes then say nothing about whole ones.
    return codecs.getincrementaldecoder("utf-8")("surrogateescape").decode(head)


class Prefix(_OfText):
    """Every string that begins with a text. See `spoonbill.query.prefix`."""

    def _find_facts(self) -> Facts:
        return Facts((self.text,), everything=not self.text)

    def _compile(self) -> Callable[[str], object]:
        return lambda text: text.startswith(self.text)


@dataclass(frozen=True)
class Regex(Pattern):
    """A regular expression anchored at the start. See `spoonbill.query.regex`."""

    pattern: str
    flags: int = 0
    seconds: float | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.pattern, str) or not isinstance(self.flags, int):
            raise QueryError(f"regex takes a string and flags, not {self.pattern!r} and {self.flags!r}")
        # Unicode is what a str pattern has anyway, and an enumeration's flag is its number: one meaning, one spelling.
        object.__setattr__(self, "flags", int(self.flags) & ~int(re.UNICODE))
        _ = self._compiled

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        try:
            return regextree.compile_quietly(self.pattern, self.flags)
        except re.error as error:
            place = "" if error.pos is None else f" at position {error.pos}"
            hint = f"; did you mean glob({self.pattern!r})?" if {"*", "?"} & set(self.pattern) else ""
            raise QueryError(f"{self!r} is not a regular expression: {error.msg}{place}{hint}") from error
        except (ValueError, OverflowError, RecursionError) as error:
            raise QueryError(f"{self!r} is not a regular expression: {error}") from error

    @cached_property
    def tree(self) -> Any:
        """The tree of Python's parser, None where there is none."""
        return regextree.parse(self.pattern, self.flags)

    def _find_facts(self) -> Facts:
        return Facts(
            _reduced(regextree.beginnings(self.tree)),
            everything=regextree.is_always_true(self.tree),
            literal=regextree.single_literal(self.tree),
        )

    def bounded(self, seconds: float) -> "Pattern":
        return Regex(self.pattern, self.flags, seconds)

    def _compile(self) -> Callable[[str], object]:
        return self._compiled.match if self.seconds is None else timed_match(self, self.seconds)

    def __repr__(self) -> str:
        return f"regex({self.pattern!r}, flags={self.flags})" if self.flags else f"regex({self.pattern!r})"


@dataclass(frozen=True)
class AnyOf(Pattern):
    """What any of some patterns matches: ``AnyOf((prefix("a"), prefix("!")))``. A layer widens a pattern with it."""

    patterns: tuple[Pattern, ...]

    def __post_init__(self) -> None:
        flat: dict[Pattern, None] = {}
        for pattern in self.patterns:
            if not isinstance(pattern, Pattern):
                raise QueryError(f"AnyOf takes patterns, not {pattern!r}")
            flat.update(dict.fromkeys(pattern.patterns if isinstance(pattern, AnyOf) else (pattern,)))
        if not flat:
            raise QueryError("AnyOf takes at least one pattern")
        object.__setattr__(self, "patterns", tuple(flat))

    def _find_facts(self) -> Facts:
        literals = {pattern.literal for pattern in self.patterns}
        return Facts(
            _reduced(text for pattern in self.patterns for text in pattern.prefixes),
            everything=any(pattern.everything for pattern in self.patterns),
            literal=literals.pop() if len(literals) == 1 else None,
        )

    def bounded(self, seconds: float) -> Pattern:
        return AnyOf(tuple(pattern.bounded(seconds) for pattern in self.patterns))

    def _compile(self) -> Callable[[str], object]:
        return lambda text: any(pattern.matches(text) for pattern in self.patterns)

    def __repr__(self) -> str:
        return f"AnyOf({self.patterns!r})"
