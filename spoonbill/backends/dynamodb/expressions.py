"""DynamoDB's expressions: every name and every value is a parameter, never text."""

from dataclasses import dataclass
from typing import Any

__all__ = ["Expressions", "Name", "Operand", "Token", "path"]


@dataclass(frozen=True)
class Name:
    """The name of an attribute."""

    text: str


@dataclass(frozen=True)
class Operand:
    """A value, in DynamoDB's form."""

    wire: dict[str, Any]


Token = str | Name | Operand
"""A piece of an expression: syntax of our own, or a parameter."""


def path(*names: str) -> tuple[Token, ...]:
    """Return the path to an attribute in maps: dots in a name are part of it."""
    tokens: list[Token] = []
    for name in names:
        tokens += [".", Name(name)] if tokens else [Name(name)]
    return tuple(tokens)


class Expressions:
    """The expressions of one request, which share their parameters."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._values: dict[str, dict[str, Any]] = {}

    def text(self, tokens: tuple[Token, ...]) -> str:
        """Return an expression as text with placeholders."""
        return "".join(map(self._piece, tokens))

    def _piece(self, token: Token) -> str:
        if isinstance(token, str):
            return token
        if isinstance(token, Name):
            return self._names.setdefault(token.text, f"#n{len(self._names)}")
        placeholder = f":v{len(self._values)}"
        self._values[placeholder] = token.wire
        return placeholder

    def parameters(self) -> dict[str, Any]:
        """Return the arguments of the request for the placeholders."""
        given: dict[str, Any] = {}
        if self._names:
            given["ExpressionAttributeNames"] = {placeholder: name for name, placeholder in self._names.items()}
        if self._values:
            given["ExpressionAttributeValues"] = self._values
        return given
