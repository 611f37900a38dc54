"""The table of verbs: what a store can be asked to do, and what each verb can be derived from."""

from dataclasses import dataclass
from typing import Any, Final

from spoonbill.common.text import shortened


@dataclass(frozen=True)
class Verb:
    """One row of the table.

    Attributes
    ----------
    name : str
        The method's name.
    writes : bool
        Whether it can change the store. A frozen store refuses these.
    derived_from : tuple of str
        The verbs that its derived form calls. Empty for the four primitives, and for verbs whose derived form
        calls none.
    ttl : bool
        Whether it takes ``ttl=``, the seconds after which what it writes expires.
    """

    name: str
    writes: bool
    derived_from: tuple[str, ...] = ()
    ttl: bool = False


_ROWS = (
    Verb("get", writes=False),
    Verb("set", writes=True, ttl=True),
    Verb("delete", writes=True),
    Verb("iter", writes=False),
    Verb("has", writes=False, derived_from=("get",)),
    Verb("count", writes=False, derived_from=("iter",)),
    Verb("get_many", writes=False, derived_from=("get",)),
    Verb("set_many", writes=True, derived_from=("set",), ttl=True),
    Verb("delete_many", writes=True, derived_from=("delete",)),
    Verb("entries", writes=False, derived_from=("iter", "get_many")),
    Verb("clear", writes=True, derived_from=("iter", "delete_many")),
    Verb("add", writes=True, derived_from=("has", "set"), ttl=True),
    Verb("replace", writes=True, derived_from=("get", "set"), ttl=True),
    Verb("pop", writes=True, derived_from=("get", "delete")),
    Verb("discard", writes=True, derived_from=("get", "delete")),
    Verb("increment", writes=True, derived_from=("get", "add", "replace"), ttl=True),
    Verb("ttl", writes=False, derived_from=("has",)),
    Verb("touch", writes=True, derived_from=("get", "replace")),
    Verb("select", writes=False, derived_from=("iter", "entries")),
    Verb("plan", writes=False, derived_from=("select",)),
    Verb("split", writes=False, derived_from=("select",)),
    Verb("canonical", writes=False),
    Verb("check", writes=False, derived_from=("set",)),
    Verb("replace_all", writes=True, derived_from=("clear", "set_many")),
    Verb("ping", writes=False, derived_from=("iter",)),
    Verb("flush", writes=False),
    Verb("close", writes=False),
)

VERBS: Final[dict[str, Verb]] = {verb.name: verb for verb in _ROWS}
PRIMITIVES: Final = ("get", "set", "delete", "iter")


def _closure(name: str) -> frozenset[str]:
    """Return every verb that `name` rests on, directly or through others."""
    direct = VERBS[name].derived_from
    return frozenset(direct).union(*(_closure(below) for below in direct))


RESTS_ON: Final[dict[str, frozenset[str]]] = {name: _closure(name) for name in VERBS}
"""For each verb, all verbs in its derivation, transitively."""

_WITHOUT_KEY = frozenset({"set_many", "get_many", "delete_many", "replace_all", "select", "plan", "split"})


def of_key(verb: str, arguments: tuple[Any, ...]) -> str:
    """Return the words for the key that a call of `verb` is about, or an empty str where it is about no single one."""
    return f" of key {shortened(arguments[0])}" if arguments and verb not in _WITHOUT_KEY else ""
