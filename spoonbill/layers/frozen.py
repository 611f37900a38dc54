"""The layer that only reads."""

from collections.abc import Callable
from typing import Any, Never, TypeVar

from spoonbill.common.text import shortened
from spoonbill.errors import ReadOnlyError
from spoonbill.store import VERBS, Layer

K = TypeVar("K")
V = TypeVar("V")

_ON_A_KEY = frozenset({"set", "delete", "add", "replace", "pop", "setdefault", "__setitem__", "__delitem__"})
_MAPPING_WRITES = ("update", "setdefault", "popitem", "load", "__setitem__", "__delitem__", "__ior__")


def _refusing(operation: str) -> Callable[..., Never]:
    def refuse(self: "Frozen[Any, Any]", *arguments: Any, **_options: Any) -> Never:
        on_key = f" of key {shortened(arguments[0])}" if arguments and operation in _ON_A_KEY else ""
        raise ReadOnlyError(f"{operation}{on_key} refused: {self!r} only reads; {self.remedy}")

    refuse.__name__ = operation
    refuse.__doc__ = f"Refuse: {operation} is a write."
    return refuse


# Made from the table, so that a verb that is added to it later is refused too.
_Refusals: Any = type(
    "_Refusals",
    (),
    {name: _refusing(name) for name in (*(verb for verb in VERBS if VERBS[verb].writes), *_MAPPING_WRITES)},
)


class Frozen(_Refusals, Layer[K, V]):  # type: ignore[misc] # its base is made from the table
    """A store that only reads: every write raises `ReadOnlyError`, and nothing of it reaches the engine.

    Parameters
    ----------
    store : Store
        Any store.
    """

    remedy = "write to the store inside it"
    read_only = True

    def native(self, verb: str) -> bool:
        """Return whether `verb` leads to an engine's own form of it; a write leads nowhere."""
        return not VERBS[verb].writes and super().native(verb)
