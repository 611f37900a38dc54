"""Values as objects of one class, validated on both ways."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from spoonbill.common.generics import K, V
from spoonbill.common.progress import Progress, with_progress
from spoonbill.common.text import shortened
from spoonbill.errors import CodecError, StackError, UnsupportedError
from spoonbill.layers.typed.models import model_of
from spoonbill.query import Plan, Query
from spoonbill.store import Store, ValueLayer
from spoonbill.store.layering.looking import takes

__all__ = ["Typed"]

_VERSION: Final = "spoonbill__version"
_NO_DICTS: Final = frozenset({"StrictString", "SafetensorsCodec"})  # codecs that hold none


class Typed(ValueLayer[K, V]):
    """Holds objects of one class in a store of plain values, as dicts of their fields.

    An object is validated before it is written, and when it is read, so that neither a slip here nor another program
    can put a wrong one into a program's hands. Searches name fields, ``store.items({"born": gt(1900)})``; they are
    tested on the objects, in Python. Type checkers know the class: ``Typed(LmdbStore(path), User)["ada"].name``.

    Parameters
    ----------
    store : Store
        A store that holds dicts: a named store, a `Codec`, a document store.
    model : type
        A pydantic model, a dataclass, a class of attrs, a msgspec struct or a TypedDict. All but the first need
        msgspec, the extra ``typed``.
    version : int, optional
        Of the model. It is stored with every value, from 1 on; a value without one is of version 0.
    migrate : callable, optional
        Called with the dict and the version of a value that is older, returns the dict of this version. What was
        migrated is written at the next write of that key, or by `upgrade`.

    Raises
    ------
    UnsupportedError
        If `model` is of no such kind, or `migrate` is given without a version.
    StackError
        If the store holds no dicts.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> from spoonbill import gt
    >>> from spoonbill.datastores import InMemoryStore
    >>> @dataclass
    ... class User:
    ...     name: str
    ...     born: int
    >>> plain = InMemoryStore()
    >>> users = Typed(plain, User)
    >>> users["ada"] = User("Ada", 1815)
    >>> plain["ada"], users["ada"]
    ({'name': 'Ada', 'born': 1815}, User(name='Ada', born=1815))
    >>> list(users.items({"born": gt(1900)}))
    []
    """

    holds_bytes = False

    def __init__(
        self,
        store: Store[K, Any],
        model: type[V],
        *,
        version: int = 0,
        migrate: Callable[[dict[str, Any], int], Mapping[str, Any]] | None = None,
    ) -> None:
        if isinstance(version, bool) or not isinstance(version, int) or version < 0:
            raise UnsupportedError(f"the version of a model is a whole number, 1 or more, not {version!r}")
        if migrate is not None and not version:
            raise UnsupportedError("Typed(migrate=...) needs the version= that it migrates to, 1 or more")
        self.model = model
        self._model = model_of(model)
        self._version = version
        self._migrate = migrate
        super().__init__(store)
        if not takes(store, {"a": "dict"}):
            holds = "bytes" if store.holds_bytes else "values of another kind"
            raise StackError(f"Typed needs a store of dicts, and {store!r} holds {holds}: Typed(Codec(...), model)")

    def order_with(self, other: str) -> str:
        return super().order_with("Codec" if other in _NO_DICTS else other)

    def encode(self, value: V, key: K) -> dict[str, Any]:
        model = self._model
        if not model.holds(value):
            raise CodecError(
                f"{self!r} holds {model.name}: the value of key {shortened(key)} is {type(value).__name__}"
            )
        try:
            data = model.lower(value)
            model.lift(data)
        except (ValueError, TypeError) as error:
            raise CodecError(f"the value of key {shortened(key)} is no valid {model.name}: {error}") from error
        return {**data, _VERSION: self._version} if self._version else data

    def decode(self, data: Any, key: K) -> V:
        try:
            return self._model.lift(self._migrated(data, key))  # type: ignore[no-any-return]
        except (ValueError, TypeError) as error:
            if isinstance(error, CodecError):
                raise
            raise CodecError(
                f"what is stored under key {shortened(key)} in {self!r} is no valid {self._model.name}: {error}"
            ) from error

    def _migrated(self, data: Any, key: K) -> dict[str, Any]:
        if not isinstance(data, Mapping):
            raise CodecError(
                f"what is stored under key {shortened(key)} in {self!r} is {type(data).__name__} and no dict"
            )
        fields = dict(data)
        found = fields.pop(_VERSION, 0)
        if found == self._version:
            return fields
        if self._migrate is None or found > self._version:
            raise CodecError(
                f"the value of key {shortened(key)} is of version {found} of {self._model.name}, {self!r} reads "
                f"{self._version}: " + ("run the newer program" if found > self._version else "give migrate=")
            )
        return dict(self._migrate(fields, found))

    def plan(self, query: Query) -> Plan:
        return self._below(query, f"makes {self._model.name} of each value")

    def upgrade(self, *, progress: Progress = False) -> int:
        """Write every value of an older version anew, beside readers and writers, and return how many there were.

        Parameters
        ----------
        progress : bool or callable, optional
            True shows a progress bar; a callable is called with the number of entries looked at.
        """
        changed = 0
        for key, data in with_progress(self.inner.entries(), progress, "upgrading"):
            if isinstance(data, Mapping) and data.get(_VERSION, 0) != self._version:
                changed += self.inner.replace(key, data, self.encode(self.decode(data, key), key))
        return changed
