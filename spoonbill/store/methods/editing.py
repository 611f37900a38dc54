"""Changes of a value in place: read, change, and write back where nobody was faster."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from spoonbill.common.equality import python_equal
from spoonbill.common.nesting import copied
from spoonbill.common.sentinels import MISSING
from spoonbill.common.text import shortened
from spoonbill.errors import ConflictError
from spoonbill.store.attempts import attempts
from spoonbill.store.binding import lasting

if TYPE_CHECKING:
    from spoonbill.store.base import Verbs

__all__ = ["edited", "modified"]


def modified(
    store: "Verbs[Any, Any]", key: Any, function: Callable[[Any], Any], default: Any, expiry: dict[str, float]
) -> Any:
    """Replace the value of `key` by what `function` makes of it, again where another writer was faster."""
    for _ in attempts(store, "modify", key):
        present: Any = store.get(key, MISSING)
        if present is MISSING and default is MISSING:
            raise KeyError(key)
        before = default if present is MISSING else present
        after = function(copied(before))
        if _written(store, key, present, after, expiry):
            return after
    return None


@contextmanager
def edited(store: "Verbs[Any, Any]", key: Any, default: Any, expiry: dict[str, float]) -> Iterator[Any]:
    """Give the value to a block that changes it in place, and write it back at the end of the block."""
    present: Any = store.get(key, MISSING)
    if present is MISSING and default is MISSING:
        raise KeyError(key)
    value = copied(default if present is MISSING else present)
    before: Any = copied(present)
    yield value
    if present is not MISSING and python_equal(value, before):
        return
    if not _written(store, key, before, value, expiry):
        raise ConflictError(
            f"edit of key {shortened(key)} in {store!r}: another writer changed it meanwhile, and nothing was written. "
            "Edit it again, or use modify(), which repeats by itself"
        )


def _written(store: "Verbs[Any, Any]", key: Any, expected: Any, value: Any, expiry: dict[str, float]) -> bool:
    """Write where the value is still the expected one, or still absent where that is MISSING."""
    if expected is MISSING:
        return store.add(key, value, **expiry)
    return store.replace(key, expected, value, **lasting(store, key, expiry))
