"""A URL of a store, taken apart."""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import parse_qsl, quote, unquote

from spoonbill.common.masking import MASK, masked, scrub, secrets_in
from spoonbill.errors import UnsupportedError

__all__ = ["Address"]

_SCHEME: Final = re.compile(r"^([a-zA-Z][a-zA-Z0-9+.-]+):(.*)$", re.DOTALL)
_ENVIRONMENT: Final = "env:"
_LOGIN: Final = re.compile(r"([^\s/:@]*):([^\s/@]+)@")


@dataclass(frozen=True)
class Address:
    """A URL: ``scheme://host/path?options``, or ``scheme:path``.

    Attributes
    ----------
    scheme : str
        In lower case.
    before : str
        The URL up to its query.
    place : str
        What follows the scheme, without slashes before it that only mark a host.
    query : tuple of pairs of str
        The options in their order, decoded.
    """

    scheme: str
    before: str
    place: str
    query: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, url: str) -> "Address | None":
        """Take a URL apart; None where it has no scheme."""
        found = _SCHEME.match(url)
        if found is None or (len(found.group(1)) == 1):  # a drive of Windows
            return None
        scheme, rest = found.group(1).lower(), found.group(2)
        rest, _, query = rest.partition("?")
        place = rest.removeprefix("//")
        return cls(scheme, f"{found.group(1)}:{rest}", place, tuple(parse_qsl(query, keep_blank_values=True)))

    @property
    def path(self) -> str:
        """The place as a path of this machine, decoded; ``~`` is the home folder."""
        return os.path.expanduser(unquote(self.place))  # noqa: PTH111 - the string is what stores take

    @property
    def parts(self) -> list[str]:
        """The parts of the place between slashes, decoded."""
        return [unquote(part) for part in self.place.strip("/").split("/")]

    def renamed(self, names: Mapping[str, str]) -> "Address":
        """Return the address with other names of options."""
        return replace(self, query=tuple((names.get(name, name), value) for name, value in self.query))

    def with_query(self, query: list[tuple[str, str]]) -> str:
        """Return the URL with another query."""
        if not query:
            return self.before
        return f"{self.before}?{'&'.join(f'{quote(name)}={quote(value)}' for name, value in query)}"


def from_environment(name: str, value: str) -> str:
    """Return an option's value: what follows ``env:`` names a variable of the environment.

    Raises
    ------
    UnsupportedError
        If there is no such variable.
    """
    if not value.startswith(_ENVIRONMENT):
        return value
    variable = value.removeprefix(_ENVIRONMENT)
    try:
        return os.environ[variable]
    except KeyError:
        raise UnsupportedError(
            f"the option {name}=env:{variable} names a variable that the environment does not have: set {variable}"
        ) from None


@contextmanager
def hiding_logins(url: str) -> Iterator[None]:
    """Within this block an error that passes loses the secrets in a URL, wherever in it they stand."""
    try:
        yield
    except Exception as error:
        scrub(error, secrets_in(url) | {found.group(2) for found in _LOGIN.finditer(url)})
        raise


def shown(url: str) -> str:
    """Return a URL, or what should have been one, without its secrets."""
    return _LOGIN.sub("\\1:" + MASK + "@", masked(url))
