"""Regular expressions whose every match has a bound in time, by the `regex` package."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from spoonbill.errors import MissingExtraError, QueryError

if TYPE_CHECKING:
    from spoonbill.query.patterns import Regex

__all__ = ["timed_match"]

_FLAGS = {
    re.ASCII: "ASCII",
    re.IGNORECASE: "IGNORECASE",
    re.MULTILINE: "MULTILINE",
    re.DOTALL: "DOTALL",
    re.VERBOSE: "VERBOSE",
}


def timed_match(pattern: "Regex", seconds: float) -> Callable[[str], object]:
    """Return the match of a regular expression, which raises instead of running on.

    Parameters
    ----------
    pattern : Regex
        The expression, which the standard library could compile.
    seconds : float
        The most that one match may take.

    Raises
    ------
    MissingExtraError
        If the `regex` package is not installed.
    QueryError
        From the match, where it takes longer; from here, where that package reads the expression otherwise.
    """
    try:
        import regex
    except ImportError as error:
        raise MissingExtraError(
            "Search(match_seconds=...) needs the regex package: pip install 'spoonbill-framework[regex]'"
        ) from error
    flags = regex.VERSION0
    for flag, name in _FLAGS.items():
        if pattern.flags & flag:
            flags |= getattr(regex, name)
    try:
        compiled: Any = regex.compile(pattern.pattern, flags)
    except regex.error as error:
        raise QueryError(f"{pattern!r} cannot be matched under a bound in time: {error}") from error

    def match(text: str) -> object:
        try:
            return compiled.match(text, timeout=seconds)
        except TimeoutError:
            raise QueryError(
                f"{pattern!r} took more than {seconds} s on a text of {len(text):,} characters, and was stopped: a "
                "repeat inside a repeat, such as (a+)+, makes it slow; write it without"
            ) from None

    return match
