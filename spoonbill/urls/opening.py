"""Opening a store by its address."""

import difflib
import os
from importlib import import_module
from typing import Any, Final, NamedTuple

from spoonbill.common.masking import is_secret
from spoonbill.common.plugins import all_engines
from spoonbill.errors import UnsupportedError
from spoonbill.layers import Codec
from spoonbill.registry import EngineRow, LayerRow
from spoonbill.store import Store
from spoonbill.urls.address import Address, from_environment, hiding_logins, shown
from spoonbill.urls.forms import SHORT, form_of
from spoonbill.urls.layers import layer_options, stands_below, wrap
from spoonbill.urls.named_stores import find_named
from spoonbill.urls.options import converted, known_options, nearest

__all__ = ["open_store"]

_CODEC: Final = "codec"  # an option of the stores that hold bytes inside, else a layer, the one right over the bytes
_CLOUDS: Final = {"key": "s3", "endpoint_url": "s3", "anon": "s3", "project": "gs", "account_name": "az"}


def open_store(url: str | os.PathLike[str], **options: Any) -> Store[Any, Any]:
    """Open a store by its URL, or by its name in ``spoonbill.toml``.

    Parameters
    ----------
    url : str
        ``memory:``, ``lmdb:///path``, ``file:///folder`` and every URL of fsspec, ``redis://host/0``,
        ``mongodb://host/database?collection=c``, ... Options of the store stand in its query, typed and checked, and so
        do layers, in their order from the inside: ``?prefix=u:&compress=zstd&ttl=60&cache=1000&frozen=1``. A value
        ``env:NAME`` is taken from the environment. Layers of bytes go in below the others, where the bytes are.
    **options
        More options of the store's class, as Python objects.

    Returns
    -------
    Store
        Its ``url`` gives the address back, without secrets.

    Raises
    ------
    UnsupportedError
        If the URL, a scheme or an option cannot be understood; the message names what was probably meant.

    Examples
    --------
    >>> import spoonbill
    >>> store = spoonbill.open("memory:?prefix=user:")
    >>> store["ada"] = 1
    >>> list(store.inner)
    ['user:ada']
    """
    text = os.fspath(url)
    with hiding_logins(text):
        return _open(text, options)


def _open(text: str, options: dict[str, Any]) -> Store[Any, Any]:
    address = Address.of(text)
    if address is None:
        found = find_named(text)
        if found is None:
            raise _no_scheme(text, options)
        return open_store(found[0], **{**found[1], **options})
    engine = _engine(address)
    module, _, name = engine.stores[0].partition(":")
    cls: Any = getattr(import_module(module), name)
    layers, known = layer_options(), known_options(cls)
    sorted_out = _sort_out(address.renamed(SHORT.get(engine.name, {})), layers, known)
    arguments, named = form_of(engine.name)(address, sorted_out.rest)
    if sorted_out.rest:
        unknown = sorted_out.rest[0][0]
        raise UnsupportedError(f"{name} has no option {shown(unknown)}={nearest(unknown, {*known, *layers})}")
    store: Store[Any, Any] = cls(*arguments, **{**named, **sorted_out.options, **options})
    store = _wrapped(store, sorted_out.layers, layers)
    store.url = _shown(address, layers, {**known, **SHORT.get(engine.name, {})})
    return store


class _SortedOut(NamedTuple):
    """The options of an address: of the store's class, of layers, and those that neither knows."""

    options: dict[str, Any]
    layers: list[tuple[str, str]]
    rest: list[tuple[str, str]]


def _sort_out(address: Address, layers: dict[str, LayerRow], known: dict[str, Any]) -> _SortedOut:
    found = _SortedOut({}, [], [])
    for option, given in address.query:
        value = from_environment(option, given)
        if option in layers and not (option == _CODEC and _CODEC in known):
            found.layers.append((option, value))
        elif option in known:
            found.options[option] = converted(option, value, known[option])
        else:
            found.rest.append((option, value))
    return found


def _wrapped(store: Store[Any, Any], wanted: list[tuple[str, str]], layers: dict[str, LayerRow]) -> Store[Any, Any]:
    """Put the layers around the store, those of bytes first: they go in where the bytes are."""
    below = [one for one in wanted if stands_below(layers[one[0]])]
    for option, value in below:
        store = wrap(store, layers[option], option, value)
    codec = next((one for one in wanted if one[0] == _CODEC), None)
    if codec is not None:
        store = wrap(store, layers[_CODEC], *codec)
    elif below and store.holds_bytes:
        store = Codec(store)
    for option, value in wanted:
        if (option, value) != codec and (option, value) not in below:
            store = wrap(store, layers[option], option, value)
    return store


def _shown(address: Address, layers: dict[str, LayerRow], known: dict[str, Any]) -> str:
    """Return an address without its secrets: what we know is shown, what goes to a client where it is harmless."""
    query = []
    for option, given in address.query:
        secret = is_secret(option) or (option in layers and layers[option].takes == "secret")
        if given.startswith("env:") or (not secret and (option in layers or option in known)):
            query.append(f"{option}={given}")
        else:
            query.append(shown(f"x://x?{option}={given}").partition("?")[2])
    before = shown(address.before)
    return f"{before}?{'&'.join(query)}" if query else before


def _engine(address: Address) -> EngineRow:
    schemes = {scheme: row for row in all_engines() for scheme in row.schemes}
    first = address.scheme
    if first in schemes:
        return schemes[first]
    import fsspec

    if first in fsspec.available_protocols():
        return schemes["file"]
    close = difflib.get_close_matches(first, schemes, 1, 0.5)
    meant = f"did you mean {close[0]}:?" if close else f"there are {', '.join(sorted(schemes))}"
    raise UnsupportedError(f"no store has the scheme {first}: {meant}")


def _no_scheme(text: str, options: dict[str, Any]) -> UnsupportedError:
    """Return the error of a name that is no URL and stands in no file, with the scheme that was meant."""
    meant = next((scheme for option, scheme in _CLOUDS.items() if option in options), None)
    if meant is not None:
        return UnsupportedError(f"{shown(text)!r} has no scheme: did you mean {meant}://{shown(text)}?")
    if "/" in text or os.path.exists(text):  # noqa: PTH110 - a look
        return UnsupportedError(
            f"{shown(text)!r} has no scheme: did you mean file:{shown(text)}, lmdb:{shown(text)} or another?"
        )
    return UnsupportedError(
        f"no spoonbill.toml here names a store {shown(text)!r}, and it is no URL: write scheme://..."
    )
