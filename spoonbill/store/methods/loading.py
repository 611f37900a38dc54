"""What a load looks at before anything changes."""

from typing import TYPE_CHECKING, Any

from spoonbill.common.failures import UNSOUND
from spoonbill.common.progress import Progress
from spoonbill.common.text import shortened
from spoonbill.errors import InvalidKeyError, SpoonbillError
from spoonbill.snapshots.file import Entries

if TYPE_CHECKING:
    from spoonbill.store.base import Verbs

__all__ = ["check_entries"]


def check_entries(store: "Verbs[Any, Any]", entries: Entries, progress: Progress) -> None:
    """Read a snapshot once in full, and try each entry against a store.

    Raises
    ------
    SnapshotError
        If it is torn or corrupted.
    InvalidKeyError
        If two of its keys are one key in this store, as 1 and ``"1"`` are where keys are strings: one of the two values
        would be lost.
    """
    others: dict[Any, Any] = {}
    merges = _merges(store)
    for key, value in entries(progress=progress):
        store.check(key, value)
        if merges and not isinstance(key, str):
            known = store.canonical(key)
            if known in others:
                raise _merged(store, others[known], key)
            others[known] = key
    if others:
        for key, _ in entries():
            if isinstance(key, str) and store.canonical(key) in others:
                raise _merged(store, others[store.canonical(key)], key)


def _merges(store: "Verbs[Any, Any]") -> bool:
    """Return whether keys of other kinds are known by their text."""
    try:
        return bool(store.canonical(1) == store.canonical("1"))
    except (SpoonbillError, *UNSOUND):  # of the key functions of a stranger's layer
        return False


def _merged(store: "Verbs[Any, Any]", one: Any, other: Any) -> InvalidKeyError:
    return InvalidKeyError(
        f"load into {store!r} refused, and nothing was changed: the keys {shortened(one)} and {shortened(other)} are "
        "one key here, so one of the values would be lost; load it into a store that keeps them apart, such as a Codec"
    )
