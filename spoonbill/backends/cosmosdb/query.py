"""Queries in Cosmos DB's SQL: a value is always a parameter, and a field's name a literal that can be nothing else."""

import json
import re
from dataclasses import dataclass
from typing import Any, Final

from spoonbill.backends.shared.documents import EXPIRY, now

__all__ = ["ID", "Operand", "Token", "alive", "field", "path", "query", "size_of"]


@dataclass(frozen=True)
class Operand:
    """A value that goes into a query as a parameter."""

    value: Any


Token = str | Operand
"""A piece of a query: syntax of our own, or a parameter."""

_UNSAFE: Final = re.compile(r"[^0-9A-Za-z_]")


def field(name: str) -> str:
    r"""Return the accessor of a field, such as ``["price"]``.

    The service documents no parameters for names. Whatever is no ASCII letter, digit or underscore is written as
    ``\uXXXX``, one for each UTF-16 unit, so that no name can end its quotes.
    """
    return f'["{_UNSAFE.sub(_escaped, name)}"]'


def _escaped(match: re.Match[str]) -> str:
    units = match.group().encode("utf-16-be")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


ID: Final = f"c{field('id')}"
"""Where a document's name stands."""


def path(*names: str) -> str:
    """Return where a value stands in a document."""
    return "c" + "".join(map(field, names))


def alive() -> tuple[Token, ...]:
    """Return the condition that a document has not expired; a field that is no number tells nothing."""
    end = path(EXPIRY)
    return (f"(NOT IS_NUMBER({end}) OR {end} > ", Operand(now()), ")")


def query(select: str, tokens: tuple[Token, ...] = ()) -> tuple[str, list[dict[str, Any]]]:
    """Return the text of a query and its parameters.

    Parameters
    ----------
    select : str
        What is selected: syntax of our own.
    tokens : tuple, optional
        The condition; everything where it is left out.
    """
    parameters: list[dict[str, Any]] = []
    pieces = [f"SELECT {select} FROM c"]  # noqa: S608 - no data is in the text
    for token in (" WHERE ", *tokens) if tokens else ():
        if isinstance(token, Operand):
            parameters.append({"name": f"@p{len(parameters)}", "value": token.value})
            pieces.append(parameters[-1]["name"])
        else:
            pieces.append(token)
    return "".join(pieces), parameters


def size_of(tokens: tuple[Token, ...]) -> int:
    """Return about how many bytes a condition adds to a request."""
    return sum(len(token) if isinstance(token, str) else len(json.dumps(token.value)) for token in tokens)
