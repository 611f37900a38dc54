"""Backends: engines as four verbs or more, ``str`` keys and ``bytes`` values. Each is imported when it is asked for."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spoonbill.backends.dbm_backend import Dbm as Dbm
    from spoonbill.backends.filesystem import Filesystem as Filesystem
    from spoonbill.backends.lmdb_backend import Lmdb as Lmdb
    from spoonbill.backends.memory import Memory as Memory
    from spoonbill.backends.pysos_backend import Pysos as Pysos

_HOMES = {
    "Dbm": "dbm_backend",
    "Filesystem": "filesystem",
    "Lmdb": "lmdb_backend",
    "Memory": "memory",
    "Pysos": "pysos_backend",
}

__all__ = ["Dbm", "Filesystem", "Lmdb", "Memory", "Pysos"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
