"""What no message and no ``repr`` may show: how secrets are known, and what stands in their place.

An address is read by its structure, not by a list of cases: what is no scheme, user, host, port or path is hidden, and
where it cannot be read, everything after the user is. The value of an option is hidden by the option's name.
"""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, unquote

from spoonbill.errors import causes

MASK = "***"

_NAME = re.compile(
    r"pass|pwd|secret|token|credential|private_?key|account_?key|access_?key(?!_?id)|api_?key|master_?key"
    r"|encryption_?key|conn(?:ection)?_?str|sas|signature|^sig$|^auth$|authorization|cookie|bearer|jwt",
    re.IGNORECASE,
)
_SHORTEST = 4
"""Shorter texts are looked for in quotes alone: they would be found in every word."""

_SCHEME = re.compile(r"[A-Za-z][\w+.-]*://")
_CHAIN = re.compile(r"::(?=[A-Za-z][\w+.-]*(?:://|::))")
"""Where fsspec's chains are joined: ``simplecache::s3://bucket``."""

_HOSTS = re.compile(r"(?:\[[0-9A-Fa-f:.%\w]*\]|[^\[\]:,;\s]*)(?::\d*)?")
_PLAIN = re.compile(r"true|false|\d{1,3}", re.IGNORECASE)
"""Values of parameters that are no secrets."""

_SETTINGS = re.compile(r"\s*\w[\w ]*=[^;]*(?:;|$)")
_SHOWN_SETTINGS = frozenset(
    {"accountname", "accountendpoint", "blobendpoint", "defaultendpointsprotocol", "endpointsuffix"}
)
_SPACED = re.compile(r"\s*(?:\w+\s*=\s*(?:'(?:[^'\\]|\\.)*'|\S*)\s+)*?\w*pass\w*\s*=", re.IGNORECASE)
"""The settings of libpq up to a password: ``host=here user=me password=``."""

_WITHOUT_QUERY = frozenset({"file://", "local://", "memory://"})
_TOKEN_USERS = frozenset({"http://", "https://", "git://", "github://"})
"""Where a user without a password is often a token."""

_BORDERS = re.compile(r"\W+")

Piece = tuple[str, bool]
"""A part of a text, and whether it is secret."""


def is_secret(name: str) -> bool:
    """Return whether an option or a parameter of this name holds a secret."""
    return _NAME.search(name) is not None


def masked(text: str) -> str:
    """Return an address, or a connection string, with a mask in the place of what may be secret in it."""
    return "".join(MASK if secret else piece for piece, secret in _pieces(text))


def secrets_in(*things: Any) -> frozenset[str]:
    """Return the texts in addresses, in options and in what they hold that no message may hold."""
    found: set[str] = set()
    for secret in _found(things):
        for form in (secret, unquote(secret)):
            found |= {form, quote(form, safe=""), quote(form), repr(form)[1:-1], *_BORDERS.split(form)}
    short = {f"{sign}{text}{sign}" for text in found if 0 < len(text) < _SHORTEST for sign in "'\""}
    return frozenset(text for text in found if len(text) >= _SHORTEST) | short


def _found(thing: Any) -> Iterator[str]:
    if isinstance(thing, (str, os.PathLike)):
        text = os.fspath(thing)
        if isinstance(text, str):
            yield from (piece for piece, secret in _pieces(text) if secret)
    elif isinstance(thing, Mapping):
        for name, value in thing.items():
            yield from _all_of(value) if isinstance(name, str) and is_secret(name) else _found(value)
    elif isinstance(thing, (list, tuple, set, frozenset)):
        for part in thing:
            yield from _found(part)


def _all_of(thing: Any) -> Iterator[str]:
    """Yield every text in the value of an option that is secret, and the secret parts of a connection string."""
    if isinstance(thing, bytes):
        thing = thing.decode(errors="replace")
    if isinstance(thing, str):
        yield from _found(thing) if _is_settings(thing) else [thing]
    elif isinstance(thing, Mapping):
        yield from _all_of(list(thing.values()))
    elif isinstance(thing, (list, tuple, set, frozenset)):
        for part in thing:
            yield from _all_of(part)


def scrub(error: BaseException, secrets: frozenset[str]) -> None:
    """Take the secrets out of an error, and out of all that it came from: a server may quote what it was sent."""
    for one in causes(error) if secrets else ():
        one.args = tuple(without(secrets, part) if isinstance(part, str) else part for part in one.args)
        if isinstance(one, OSError):
            for name in ("strerror", "filename", "filename2"):
                text = getattr(one, name)
                if isinstance(text, str) and any(secret in text for secret in secrets):
                    setattr(one, name, without(secrets, text))


@contextmanager
def hiding(*things: Any) -> Iterator[None]:
    """Within this block an error that passes loses the secrets in addresses and options."""
    try:
        yield
    except Exception as error:
        scrub(error, secrets_in(*things))
        raise


def without(secrets: frozenset[str], text: str) -> str:
    """Return a text with a mask in the place of each secret, the longest first: one may be a part of another."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, MASK)
    return text


# -- how an address is read ------------------------------------------------------------------------------------


def _pieces(text: str) -> Iterator[Piece]:
    spaced = _SPACED.match(text)
    if spaced is not None:  # there is no saying where a password ends that was not quoted as it should be
        yield spaced[0], False
        yield from _hidden(text[spaced.end() :])
        return
    if _is_settings(text):
        yield from _settings(text)
        return
    start = 0
    for joint in _CHAIN.finditer(text):
        yield from _address(text[start : joint.start()])
        yield "::", False
        start = joint.end()
    yield from _address(text[start:])


def _is_settings(text: str) -> bool:
    """Return whether a text is a connection string: ``name=value;name=value``."""
    first = text.partition("=")[0]
    return _SETTINGS.match(text) is not None and (";" in text or is_secret(first))


def _settings(text: str) -> Iterator[Piece]:
    for place, setting in enumerate(text.split(";")):
        name, equals, value = setting.partition("=")
        yield (";" if place else ""), False
        if not equals:  # what is no setting is the rest of a value with a ; in it
            yield from _hidden(name)
        elif name.strip().lower() in _SHOWN_SETTINGS:
            yield name + equals, False
            yield from _address(value)
        else:
            yield name + equals, False
            yield from _hidden(value)


def _address(text: str) -> Iterator[Piece]:
    scheme = _SCHEME.match(text)
    if scheme is None:
        yield from _bare(text)
        return
    yield scheme[0], False
    rest = text[scheme.end() :]
    if scheme[0].lower() in _WITHOUT_QUERY:
        yield rest, False
        return
    head, mark, tail = (*re.split(r"([?#])", rest, maxsplit=1), "", "")[:3]
    if "@" not in tail:
        yield from _before_query(scheme[0].lower(), head)
        yield mark, False
        yield from _query(tail) if mark == "?" else _hidden(tail)
    elif ":" in head:  # a password with a ? or # in it, or a parameter with an @: there is no saying where it ends
        yield from _after_colon(rest)
    else:
        yield from _before_query(scheme[0].lower(), head)
        yield mark, False
        yield from _hidden(tail)


def _before_query(scheme: str, text: str) -> Iterator[Piece]:
    """Read a user, hosts and a path."""
    # Up to the last @: a password with a / ; or @ that nobody encoded is a secret too.
    before, at, rest = text.rpartition("@")
    if ":" in before:
        yield from _after_colon(before)
    else:
        yield from _hidden(before) if scheme in _TOKEN_USERS and "/" not in before else [(before, False)]
    yield at, False
    hosts, slash, path = rest.partition("/")
    if all(_HOSTS.fullmatch(host) for host in hosts.split(",")):
        yield hosts + slash + path, False
    elif at or ":" not in hosts:
        yield from _hidden(hosts)
        yield slash + path, False
    else:  # user:password:port, or a password with slashes: there is no saying where it ends
        yield from _after_colon(rest)


def _after_colon(text: str) -> Iterator[Piece]:
    user, colon, password = text.partition(":")
    yield user + colon, False
    yield from _hidden(password)


def _bare(text: str) -> Iterator[Piece]:
    """Read what has no scheme: a path, a name, or ``user:password@host`` where the scheme was forgotten."""
    before, at, rest = text.rpartition("@")
    user, colon, _ = before.partition(":")
    if at and colon and not text.startswith(("/", ".", "~")) and "/" not in user and "\\" not in before:
        yield from _after_colon(before)
        yield at + rest, False
    else:
        yield text, False


def _query(text: str) -> Iterator[Piece]:
    text, sharp, fragment = text.partition("#")
    for part in re.split(r"([&;])", text):
        name, equals, value = part.partition("=")
        if part in {"&", ";", ""}:
            yield part, False
        elif not equals or not value.strip("="):  # no name: one text, or one that ends as base64 does
            yield from _hidden(part)
        else:
            yield name + equals, False
            yield from ([(value, False)] if _PLAIN.fullmatch(value) and not is_secret(name) else _hidden(value))
    yield sharp, False
    yield from _hidden(fragment)


def _hidden(text: str) -> Iterable[Piece]:
    return [(text, True)] if text else []
