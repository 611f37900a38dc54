"""InMemoryStore: a dict, or any dict-like object, with the face of every other store."""

from collections.abc import MutableMapping
from pathlib import Path
from typing import Any, Self

from spoonbill.backends.memory import Memory
from spoonbill.common.generics import K, V


class InMemoryStore(Memory[K, V]):
    """A mapping in memory with search, batches, save and load. See `Memory` for its parameters."""

    @classmethod
    def open(cls, path_or_mapping: str | Path | MutableMapping[Any, Any] | None = None, *, strict: bool = True) -> Self:
        """Open a store on a mapping, or on the contents of a snapshot.

        Parameters
        ----------
        path_or_mapping : str or Path or MutableMapping, optional
            A path or fsspec URL that `save` wrote, or a mapping to wrap.
        strict : bool, optional
            False consents to a snapshot with pickled values.
        """
        if not isinstance(path_or_mapping, (str, Path)):
            return cls(path_or_mapping, strict=strict)
        store = cls(strict=strict)
        store.load(path_or_mapping)
        return store
