"""How a cache hears from its engine what others changed there."""

from typing import TYPE_CHECKING, Any
from weakref import ref

from spoonbill.errors import UnsupportedError

if TYPE_CHECKING:
    from spoonbill.layers.cached import Cached

__all__ = ["listen"]


def listen(cached: "Cached[Any, Any]", invalidate: str) -> Any:
    """Let the engine below tell a cache of changes, as long as the cache is there.

    Raises
    ------
    UnsupportedError
        If the engine has no way to.
    """
    if invalidate != "engine":
        raise UnsupportedError(f'Cached(invalidate={invalidate!r}): it is "engine", or left out')
    watch = getattr(cached.raw, "watch", None)
    if watch is None:
        raise UnsupportedError(
            f"Cached(invalidate=...) over {cached.raw!r}: this engine tells nobody of changes; give ttl= in its place, "
            "the seconds for which an old value may be read"
        )
    owner = ref(cached)

    def heard(keys: list[Any] | None, listening: bool) -> bool:
        alive = owner()
        if alive is None:
            return False
        alive._hear(keys, listening)  # noqa: SLF001 - the cache's own ear
        return True

    return watch(heard)
