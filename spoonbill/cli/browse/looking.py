"""What the page asks of a store, each a function of the query of a request."""

from collections.abc import Mapping
from typing import Any, Final

from spoonbill.cli.browse.editing import editable_of
from spoonbill.cli.browse.names import key_of, name_of
from spoonbill.cli.browse.sampling import sample_of
from spoonbill.cli.browse.searches import Searches, asked_conditions, asked_pattern
from spoonbill.cli.browse.stack import stack_of
from spoonbill.cli.browse.views import image_type, size_of, view_of
from spoonbill.common.sentinels import MISSING
from spoonbill.errors import UnsupportedError
from spoonbill.store import Store

__all__ = ["Looking"]

_SIZE: Final = 50
_LARGEST_PAGE: Final = 500
_WAIT: Final = 1.0


class Looking:
    """Answers about a store, as data for JSON.

    Parameters
    ----------
    store : Store
        What to look into.
    write : bool
        Whether the page offers changes.
    """

    def __init__(self, store: Store[Any, Any], *, write: bool) -> None:
        self._store, self._write = store, write
        self._searches = Searches(store)

    def store(self, _: Mapping[str, str]) -> dict[str, Any]:
        """Return what the store is: its expression, its stack, its size where the engine knows it."""
        known = self._store.native("count")
        return {
            "title": repr(self._store),
            "url": self._store.url,
            "write": self._write,
            "count": len(self._store) if known else None,
            "stack": stack_of(self._store),
        }

    def keys(self, asked: Mapping[str, str]) -> dict[str, Any]:
        """Return a page of the keys of a search: ``offset`` and ``size`` say which."""
        offset, size = _whole(asked, "offset", 0), _whole(asked, "size", _SIZE)
        page = self._searches.cursor(asked).page(offset, min(size, _LARGEST_PAGE), _WAIT)
        return {
            "keys": [name_of(key) for key in page.keys],
            "more": page.more,
            "searching": page.searching,
            "offset": offset,
        }

    def value(self, asked: Mapping[str, str]) -> dict[str, Any]:
        """Return the view of the value of a key."""
        key = key_of(asked)
        value = self._store.get(key, MISSING)
        if value is MISSING:
            raise KeyError(name_of(key)["text"])
        told = {"key": name_of(key), "type": type(value).__name__, "bytes": size_of(value), "view": view_of(value)}
        if "ttl" in self._store.features:
            told["ttl"] = self._store.ttl(key)
        if self._write:
            told |= {"as_text": isinstance(value, str), "editable": editable_of(value)}
        return told

    def image(self, asked: Mapping[str, str]) -> tuple[str, bytes]:
        """Return the media type and the bytes of a value that is an image; nothing where it is none."""
        value = self._store.get(key_of(asked), b"")
        kind = image_type(value)
        return ("text/plain", b"") if kind is None else (kind, bytes(value))

    def explain(self, asked: Mapping[str, str]) -> dict[str, Any]:
        """Return the way of a search through the stack."""
        conditions = asked_conditions(asked) or MISSING
        plan = self._store.explain(asked_pattern(asked), conditions)
        return {
            "steps": [{"where": one.where, "runs": one.runs, "drops": one.drops} for one in plan.steps],
            "native": plan.native,
            "here": plan.finished_here,
            "scanned": plan.scanned,
        }

    def sample(self, _: Mapping[str, str]) -> dict[str, Any]:
        """Return counts of the first entries."""
        return sample_of(self._store)

    def release(self, idle: float) -> None:
        """Let go of the engine in searches that rest."""
        self._searches.release(idle)

    def stop(self) -> None:
        """End all searches."""
        self._searches.stop()


def _whole(asked: Mapping[str, str], name: str, usual: int) -> int:
    text = asked.get(name, str(usual))
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise UnsupportedError(f"{name} is a whole number from 0 on")
    return int(text)
