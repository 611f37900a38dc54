"""Scans of a table: page by page, one segment after the other or several at once."""

from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any

from spoonbill.backends.dynamodb.pushdown import Filter

__all__ = ["page_sizes", "parallel_pages", "scan_pages"]

Page = dict[str, Any]
Scan = Callable[..., Page]

_SMALL_PAGE = 25
_LARGE_PAGE = 5000


def scan_pages(
    scan: Scan, request: dict[str, Any], *, limit: int | None = None, wanted: int | None = None
) -> Iterator[Page]:
    """Yield the pages of a scan; each is asked for when the one before is used up.

    Parameters
    ----------
    scan : callable
        The client's ``scan``.
    request : dict
        Its arguments.
    limit : int, optional
        How many items are read at most; only for a scan without a filter.
    wanted : int, optional
        How many matches are wanted. The first page is then small, and each next one twice as large, so that little is
        read and billed where matches are frequent.
    """
    start: dict[str, Any] = {}
    most = limit if wanted is None else max(wanted, _SMALL_PAGE)
    while True:
        page = scan(**request, **start, **({} if most is None else {"Limit": most}))
        yield page
        if "LastEvaluatedKey" not in page:
            return
        if wanted is not None and most is not None:
            most = most * 2 if most < _LARGE_PAGE else None
        elif most is not None:
            most -= page["ScannedCount"]
            if most <= 0:
                return
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


def parallel_pages(scan: Scan, request: dict[str, Any], segments: int) -> Iterator[Page]:
    """Yield the pages of all segments of a table, one of each on its way at any time."""
    pool = ThreadPoolExecutor(segments)
    try:
        sources = [
            scan_pages(scan, {**request, "Segment": segment, "TotalSegments": segments}) for segment in range(segments)
        ]
        coming: dict[Future[Page | None], Iterator[Page]] = {
            pool.submit(next, source, None): source for source in sources
        }
        while coming:
            done, _ = wait(coming, return_when=FIRST_COMPLETED)
            for future in done:
                source = coming.pop(future)
                page = future.result()
                if page is not None:
                    coming[pool.submit(next, source, None)] = source
                    yield page
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def page_sizes(native: Filter | None, limit: int | None, page: int | None, *, keys_only: bool) -> dict[str, int | None]:
    """Return how the pages of a scan grow: a loop over keys is often left after the first, and each page is billed."""
    if limit is not None and (native is None or not native.tokens):
        return {"limit": limit}
    return {"wanted": 1 if keys_only and page is None else page}
