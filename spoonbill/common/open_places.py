"""The files of the stores that are open in this process, so that nothing is saved over them."""

import os
from collections.abc import Callable
from pathlib import Path
from weakref import WeakKeyDictionary

from spoonbill.common.locks import new_lock
from spoonbill.common.paths import absolute, identity, is_local
from spoonbill.errors import StoreError

__all__ = ["forget_place", "note_place", "refuse_open_place"]

_noted: WeakKeyDictionary[object, tuple[str, Callable[[], tuple[str, ...]]]] = WeakKeyDictionary()
_lock = new_lock()


def note_place(owner: object, kind: str, files: Callable[[], tuple[str, ...]]) -> None:
    """Note the files of what is open until `owner` is gone, or `forget_place` is called.

    Parameters
    ----------
    owner : object
        What holds them open.
    kind : str
        What they are, as the error calls it.
    files : callable
        Returns their absolute paths, of which some may not be there. A folder stands for all files in it.
    """
    with _lock:
        _noted[owner] = (kind, files)


def forget_place(owner: object) -> None:
    """Forget what was noted for `owner`, which was closed."""
    with _lock:
        _noted.pop(owner, None)


def refuse_open_place(url: str | Path, *, but: str | None = None) -> None:
    """Raise where a path is, or would replace, a file of a store that is open in this process.

    Parameters
    ----------
    url : str or Path
        Where something is to be saved; a URL is let through.
    but : str, optional
        A kind of file that may be replaced.

    Raises
    ------
    StoreError
        If it is one.
    """
    if not is_local(url):
        return
    path = absolute(url)
    names, known = {path, os.path.realpath(path)}, identity(path)
    with _lock:
        places = list(_noted.values())
    for kind, files in places:
        for file in files() if kind != but else ():
            inside = any(name.startswith(f"{os.path.realpath(file)}/") for name in names) and known is not None
            if file in names or inside or (known is not None and known == identity(file)):
                raise StoreError(
                    f"{path} belongs to {kind} that is open here, and nothing was written: save to another path"
                )
