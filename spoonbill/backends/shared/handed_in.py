"""What users hand in: clients of the wrong kind and options that are misspelled, refused by name."""

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Any

from spoonbill.errors import StackError, UnsupportedError

__all__ = ["check_client", "check_spelling", "refused_option", "unknown_option"]

_UNEXPECTED = re.compile(
    r"unexpected keyword argument '(\w+)'|'(\w+)' is an invalid keyword argument|Unknown option: (\w+)"
)
_ASYNCHRONOUS = re.compile(r"(?i)async|aio|motor")
_NEAR = 0.86
"""How alike two names are of which one is taken for the other misspelled."""


def check_client(store: str, client: Any, *, fits: bool, wanted: str) -> None:
    """Refuse what was handed in as ``client=`` and is none that a store can use.

    Raises
    ------
    StackError
        If it does not fit; the message names its type, and what to give.
    """
    if client is None or fits:
        return
    kind = f"{type(client).__module__}.{type(client).__qualname__}"
    why = ", which is asynchronous" if _ASYNCHRONOUS.search(kind) else ""
    raise StackError(f"{store}: client= is a {kind}{why}; give {wanted}")


def unknown_option(
    store: str, error: BaseException, known: Iterable[str], options: Iterable[str] = ()
) -> UnsupportedError | None:
    """Return what a client's complaint about an option that it does not know is in our tree; None where it is another.

    Parameters
    ----------
    store : str
        What the option was given to.
    error : BaseException
        What the client raised.
    known : iterable of str
        The options that there are, among which the nearest is named.
    options : iterable of str, optional
        What was given, for a client that does not say which of them it does not know.
    """
    found = _UNEXPECTED.search(str(error))
    if found is not None:
        return refused_option(store, found[1] or found[2] or found[3], known)
    if "unrecognized keyword argument" not in str(error):
        return None
    known = list(known)
    return next((refused_option(store, name, known) for name in options if name not in known), None)


def check_spelling(store: str, options: Mapping[str, Any], known: Iterable[str], least: float = _NEAR) -> None:
    """Refuse an option that a client would silently ignore, and that is one of ours misspelled.

    Raises
    ------
    UnsupportedError
        If there is one.
    """
    known = list(known)
    for name in options:
        if name not in known and difflib.get_close_matches(name, known, 1, least):
            raise refused_option(store, name, known, least)


def refused_option(store: str, name: str, known: Iterable[str], least: float = 0.6) -> UnsupportedError:
    """Return the error of an option that a store does not have; it names the nearest that it has."""
    near = difflib.get_close_matches(name, list(known), 1, least)
    hint = f"did you mean {near[0]}=?" if near else "leave it out, or see which options the store and its client take"
    return UnsupportedError(f"{store} has no option {name}=: {hint}")
