"""What a store holds, read off its first entries: kinds of values, sizes, beginnings of keys."""

import re
import time
from collections import Counter
from typing import Any, Final

from spoonbill.cli.browse.views import size_of, view_of
from spoonbill.store import Store

__all__ = ["sample_of"]

_MOST: Final = 500
_SECONDS: Final = 2.0
_BEGIN: Final = re.compile(r"^[^:/._\-]{1,24}[:/._\-]")


def sample_of(store: Store[Any, Any]) -> dict[str, Any]:
    """Return counts of the first entries that could be read in two seconds, and the number of all where it is known."""
    end = time.monotonic() + _SECONDS
    kinds: Counter[str] = Counter()
    begins: Counter[str] = Counter()
    sizes: Counter[int] = Counter()
    read = total = 0
    for key, value in store.items(limit=_MOST):
        read += 1
        size = size_of(value)
        total += size
        kinds[view_of(value)["kind"] if not isinstance(value, (int, float, type(None))) else type(value).__name__] += 1
        sizes[max(size, 1).bit_length()] += 1
        begins[_begin(key)] += 1
        if time.monotonic() > end:
            break
    return {
        "read": read,
        "all": len(store) if store.native("count") else read if read < _MOST else None,
        "bytes": total,
        "kinds": kinds.most_common(12),
        "begins": begins.most_common(12),
        "sizes": [[_range(bits), sizes[bits]] for bits in range(min(sizes), max(sizes) + 1)] if sizes else [],
    }


def _begin(key: Any) -> str:
    if not isinstance(key, str):
        return type(key).__name__
    found = _BEGIN.match(key)
    return f"{found.group()}*" if found else "other"


def _range(bits: int) -> str:
    return f"{_bytes(1 << (bits - 1))} to {_bytes(1 << bits)}"


def _bytes(count: int) -> str:
    for unit, size in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if count >= size:
            return f"{count // size} {unit}"
    return f"{count} B"
