"""Reading everything, to find what cannot be read."""

from typing import TYPE_CHECKING, Any

from spoonbill.common.batching import batches
from spoonbill.common.progress import Progress, with_progress
from spoonbill.common.sentinels import MISSING
from spoonbill.errors import CodecError, KeyDecodeError
from spoonbill.store.known_count import known_count

if TYPE_CHECKING:
    from spoonbill.store.base import Verbs

__all__ = ["damaged"]


def damaged(store: "Verbs[Any, Any]", *, fix: bool, progress: Progress) -> dict[Any, Exception]:
    """Return the error of each key whose value cannot be read; with `fix` such entries are removed."""
    found: dict[Any, Exception] = {}
    for keys in batches(with_progress(store.iter(), progress, "verifying", known_count(store, progress))):
        try:
            store.get_many(keys, MISSING)
        except (CodecError, KeyDecodeError):
            for key in keys:
                try:
                    store.get(key)
                except (CodecError, KeyDecodeError) as error:
                    found[key] = error
    if fix:
        store.delete_many(found)
    return found
