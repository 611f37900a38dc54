"""What the place in a URL means to each engine: the arguments that its store class takes."""

from collections.abc import Callable
from typing import Any, Final

from spoonbill.errors import UnsupportedError
from spoonbill.urls.address import Address, shown

__all__ = ["FORMS", "SHORT", "WHOLE", "Form"]

Form = Callable[[Address, list[tuple[str, str]]], tuple[tuple[Any, ...], dict[str, Any]]]
"""Takes an address and the options that no class of ours knows, and returns positional and named arguments. It takes
out of the list what goes on to the engine."""


def _nothing(address: Address, _: list[tuple[str, str]]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    if address.place.strip("/"):
        raise UnsupportedError(f"{shown(address.before)} has no place: write memory:")
    return (), {}


def _path(address: Address, _: list[tuple[str, str]]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    if not address.path:
        raise UnsupportedError(f"{address.scheme}: needs a path, as in {address.scheme}:///folder/name")
    return (address.path,), {}


def _whole(address: Address, rest: list[tuple[str, str]]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    url = address.with_query(rest)
    rest.clear()
    return (url,), {}


def _files(address: Address, rest: list[tuple[str, str]]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    if address.scheme == "file":
        return _path(address, rest)
    if address.scheme in {"http", "https"}:
        return _whole(address, rest)
    options = dict(rest)
    rest.clear()
    return (address.before,), options


def _mongodb(address: Address, rest: list[tuple[str, str]]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    host, _, database = address.place.partition("/")
    url = Address(address.scheme, f"{address.scheme}://{host}/", "", ()).with_query(rest)
    rest.clear()
    return (url, database or None), {}


def _named(*names: str) -> Form:
    """Make a form of parts between slashes."""

    def form(address: Address, _: list[tuple[str, str]]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        parts = address.parts
        if len(parts) != len(names) or not all(parts):
            raise UnsupportedError(f"{shown(address.before)} should be {address.scheme}://{'/'.join(names)}")
        return (), dict(zip(names, parts, strict=True))

    return form


def _firestore(address: Address, rest: list[tuple[str, str]]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    _, named = _named("project", "collection")(address, rest)
    return (named["collection"],), {"project": named["project"]}


def _cosmosdb(address: Address, rest: list[tuple[str, str]]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    _, named = _named("account", "database", "container")(address, rest)
    account = named.pop("account")
    endpoint = account if ":" in account else f"https://{account}.documents.azure.com:443/"
    return (), {"endpoint": endpoint, **named}


FORMS: Final[dict[str, Form]] = {
    "memory": _nothing,
    "filesystem": _files,
    "redis": _whole,
    "mongodb": _mongodb,
    "dynamodb": _named("table_name"),
    "firestore": _firestore,
    "cosmosdb": _cosmosdb,
    "modal": _named("name"),
}
"""By the name of the engine; every other engine takes a path."""

SHORT: Final = {"dynamodb": {"region": "region_name"}}
"""Shorter names of options in URLs, by the name of the engine."""

WHOLE: Final = frozenset({"postgresql"})


def form_of(engine: str) -> Form:
    """Return the form of an engine's URLs."""
    return FORMS.get(engine, _whole if engine in WHOLE else _path)
