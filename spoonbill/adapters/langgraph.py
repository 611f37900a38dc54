"""A store as a ``BaseStore`` of LangGraph: the long-term memory of agents."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from langgraph.store.base import (
    BaseStore,
    GetOp,
    Item,
    ListNamespacesOp,
    MatchCondition,
    Op,
    PutOp,
    Result,
    SearchItem,
    SearchOp,
    TTLConfig,
    validate_op_namespace,
)

from spoonbill.aio import AsyncStore
from spoonbill.common.batching import batches
from spoonbill.common.sentinels import MISSING
from spoonbill.errors import UnsupportedError
from spoonbill.query import prefix
from spoonbill.store import Store

__all__ = ["LangGraphAdapter"]

_COMPARED = {
    "$eq": lambda value, other: value == other,
    "$ne": lambda value, other: value != other,
    "$gt": lambda value, other: value > other,
    "$gte": lambda value, other: value >= other,
    "$lt": lambda value, other: value < other,
    "$lte": lambda value, other: value <= other,
}


class LangGraphAdapter(BaseStore):
    """Any store of ours as LangGraph's store of documents in namespaces.

    An item is the document ``{"value": ..., "created_at": ..., "updated_at": ..., "ttl": ...}`` under the key
    ``label.label:key``; in a label ``%`` and ``:`` are written ``%25`` and ``%3A``. The reads of a batch see what was
    there before its writes. Its writes are a batch of the engine for each time to live, and the last write of a key
    wins. A search reads the keys of its namespaces and then the items; it has no index of embeddings.

    Parameters
    ----------
    store : Store or AsyncStore
        A store of documents under str keys. It stays open: it was handed in.
    ttl : TTLConfig, optional
        LangGraph's defaults of the time to live, in minutes; needs a store that can expire entries.

    Raises
    ------
    UnsupportedError
        For a `ttl` that the store cannot keep, and for a search by a ``query`` in words.
    """

    def __init__(self, store: Store[str, Any] | AsyncStore[str, Any], *, ttl: TTLConfig | None = None) -> None:
        self.store: AsyncStore[str, Any] = store if isinstance(store, AsyncStore) else AsyncStore(store)
        self.supports_ttl = "ttl" in self.store.sync.features
        self.ttl_config = ttl
        if ttl and not self.supports_ttl:
            raise UnsupportedError(f"{self.store.sync!r} cannot expire entries: put it into Expiring, or leave ttl out")

    async def abatch(self, ops: Iterable[Op]) -> list[Result]:
        return await self.store.through(self.batch, list(ops))

    def batch(self, ops: Iterable[Op]) -> list[Result]:
        ops = list(ops)
        for op in ops:
            validate_op_namespace(op)
        found = self._got([op for op in ops if isinstance(op, GetOp)])
        results: list[Result] = []
        for op in ops:
            if isinstance(op, GetOp):
                results.append(next(found))
            elif isinstance(op, SearchOp):
                results.append(self._searched(op))
            elif isinstance(op, ListNamespacesOp):
                results.append(self._listed(op))
            else:
                results.append(None)
        self._put({_name(op.namespace, op.key): op for op in ops if isinstance(op, PutOp)})
        return results

    # -- reads -------------------------------------------------------------------------------------------------

    def _got(self, ops: list[GetOp]) -> Iterator[Item | None]:
        names = [_name(op.namespace, op.key) for op in ops]
        documents = self.store.sync.get_many(names, MISSING) if names else []
        for op, name, document in zip(ops, names, documents, strict=True):
            if document is MISSING:
                yield None
                continue
            if op.refresh_ttl:
                self._refresh(name, document)
            yield Item(key=op.key, namespace=op.namespace, **_content(document))

    def _refresh(self, name: str, document: dict[str, Any]) -> None:
        minutes = document["ttl"]
        if minutes is not None and self.supports_ttl:
            self.store.sync.touch(name, minutes * 60)

    def _searched(self, op: SearchOp) -> list[SearchItem]:
        if op.query is not None:
            raise UnsupportedError(
                f"{self.store.sync!r} has no index of embeddings: search by filter=, or take a store of LangGraph's own"
            )
        found = []
        for name, document in islice(self._matching(op), op.offset, op.offset + op.limit):
            if op.refresh_ttl:
                self._refresh(name, document)
            namespace, key = _parts(name)
            found.append(SearchItem(namespace=namespace, key=key, **_content(document)))
        return found

    def _matching(self, op: SearchOp) -> Iterator[tuple[str, dict[str, Any]]]:
        for names in batches(self._names(op.namespace_prefix)):
            for name, document in zip(names, self.store.sync.get_many(names, MISSING), strict=True):
                if document is not MISSING and _matches(document["value"], op.filter or {}):
                    yield name, document

    def _names(self, namespace: tuple[str, ...]) -> Iterator[str]:
        stem = ".".join(map(_escaped, namespace))
        return (name for name in self.store.sync.scan(prefix(stem)) if _parts(name)[0][: len(namespace)] == namespace)

    def _listed(self, op: ListNamespacesOp) -> list[tuple[str, ...]]:
        conditions = op.match_conditions or ()
        found = {_parts(name)[0] for name in self._names(())}
        fitting = {one[: op.max_depth] for one in found if all(_fits(condition, one) for condition in conditions)}
        return sorted(fitting)[op.offset : op.offset + op.limit]

    # -- writes ------------------------------------------------------------------------------------------------

    def _put(self, puts: dict[str, PutOp]) -> None:
        gone = [name for name, op in puts.items() if op.value is None]
        kept = {name: op for name, op in puts.items() if op.value is not None}
        if gone:
            self.store.sync.delete_many(gone)
        if not kept:
            return
        now = datetime.now(UTC).isoformat()
        before = dict(zip(kept, self.store.sync.get_many(list(kept), None), strict=True))
        for ttl in {op.ttl for op in kept.values()}:
            pairs = [(name, _document(op, now, before[name])) for name, op in kept.items() if op.ttl == ttl]
            if ttl is None:
                self.store.sync.set_many(pairs)
            else:
                self.store.sync.set_many(pairs, ttl=ttl * 60)


def _escaped(label: str) -> str:
    return label.replace("%", "%25").replace(":", "%3A")


def _name(namespace: tuple[str, ...], key: str) -> str:
    return f"{'.'.join(map(_escaped, namespace))}:{key}"


def _parts(name: str) -> tuple[tuple[str, ...], str]:
    stem, _, key = name.partition(":")
    return tuple(label.replace("%3A", ":").replace("%25", "%") for label in stem.split(".")), key


def _document(op: PutOp, now: str, before: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "value": dict(op.value or {}),
        "created_at": now if before is None else before["created_at"],
        "updated_at": now,
        "ttl": op.ttl,
    }


def _content(document: dict[str, Any]) -> dict[str, Any]:
    return {
        "value": document["value"],
        "created_at": datetime.fromisoformat(document["created_at"]),
        "updated_at": datetime.fromisoformat(document["updated_at"]),
    }


def _fits(condition: MatchCondition, namespace: tuple[str, ...]) -> bool:
    path = condition.path
    part = namespace[: len(path)] if condition.match_type == "prefix" else namespace[-len(path) :]
    return len(part) == len(path) and all(wanted in {"*", label} for wanted, label in zip(path, part, strict=True))


def _matches(value: Any, wanted: Any) -> bool:
    """Return whether a value passes LangGraph's filter: operators, or the values of some fields."""
    if not isinstance(wanted, dict):
        return bool(value == wanted)
    if any(name.startswith("$") for name in wanted):
        return all(_compared(value, name, other) for name, other in wanted.items())
    return isinstance(value, dict) and all(_matches(value.get(name), other) for name, other in wanted.items())


def _compared(value: Any, operator: str, other: Any) -> bool:
    if operator not in _COMPARED:
        raise UnsupportedError(f"a filter has no operator {operator!r}: there are {', '.join(_COMPARED)}")
    try:
        return bool(_COMPARED[operator](value, other))
    except TypeError:  # what cannot be ordered is not in order
        return False
