"""The parts that killed writers left."""

from typing import Any

from spoonbill.common.progress import Progress, with_progress
from spoonbill.common.sentinels import MISSING
from spoonbill.layers.chunked.parts import PART, Manifest, part_name, read_head, time_of
from spoonbill.query import Query, prefix
from spoonbill.store import Store

__all__ = ["sweep"]


def sweep(parts: Store[Any, Any], before: float, progress: Progress) -> int:
    """Remove the parts of values whose writing began before that time and that no manifest names.

    Parameters
    ----------
    parts : Store
        The store that holds parts and manifests alike.
    before : float
        Seconds since 1970.
    progress : bool or callable
        What is told of the parts looked at.

    Returns
    -------
    int
        How many parts were removed.
    """
    found: dict[str, list[str]] = {}
    listed = parts.select(Query(pattern=prefix(PART), keys_only=True))
    for key, _ in with_progress(listed, progress, "sweeping"):
        name = read_head(key)
        if name is not None:
            found.setdefault(name, []).append(key)
    orphans = [name for name in found if time_of(name) <= before and not _is_used(parts, name)]
    return sum(parts.delete_many(found[name]) for name in orphans)


def _is_used(parts: Store[Any, Any], name: str) -> bool:
    """Return whether the value whose parts go by `name` stands under its key."""
    head = parts.get(part_name(name, 0), MISSING)
    if head is MISSING:
        return False
    data = parts.get(head.decode("utf-8", "surrogatepass"), MISSING)
    manifest = None if data is MISSING else Manifest.read(data)
    return manifest is not None and manifest.name == name
