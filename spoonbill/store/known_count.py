"""How many entries there are, where the engine knows it."""

from typing import TYPE_CHECKING, Any

from spoonbill.common.progress import Progress

if TYPE_CHECKING:
    from spoonbill.store.base import Verbs

__all__ = ["known_count"]


def known_count(store: "Verbs[Any, Any]", progress: Progress = True) -> int | None:
    """Return the number of entries for a bar; None where only a listing of them all could tell, or none is shown."""
    return store.count() if progress is True and store.native("count") else None
