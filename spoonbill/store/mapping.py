"""A store: the verbs, the methods of a dict, searches and snapshots."""

from html import escape
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

from spoonbill.common.progress import Progress
from spoonbill.errors import UnsupportedError
from spoonbill.snapshots import file as snapshot
from spoonbill.store.methods.loading import check_entries
from spoonbill.store.methods.searches import Searches
from spoonbill.store.methods.verifying import damaged

if TYPE_CHECKING:
    from spoonbill.aio.store import AsyncStore

K = TypeVar("K")
V = TypeVar("V")
D = TypeVar("D")
V_co = TypeVar("V_co", covariant=True)


class Store(Searches[K, V]):
    """A key-value store: a ``MutableMapping`` made of four verbs.

    A backend writes `get`, `set`, `delete` and `iter`, for ``str`` keys and ``bytes`` values, and is complete: it can
    be layered, searched, saved, loaded and tested by the conformance kit. Each dict method is a thin form over the
    verbs, which `Verbs` describes.
    """

    _states_contract = True

    def __copy__(self) -> Self:
        raise UnsupportedError(f"{self!r} is a handle, not its data: store.copy() returns a dict of the data")

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self.__copy__()

    @property
    def raw(self) -> "Store[Any, Any]":
        """The store at the bottom of the stack, which holds what the engine holds."""
        return self

    @property
    def stands_on(self) -> "tuple[Store[Any, Any], ...]":
        """The stores right below this one that hold its entries; none for a backend."""
        return ()

    @property
    def engines(self) -> "tuple[Store[Any, Any], ...]":
        """The stores at the bottom of this stack, which stand on no others."""
        return tuple(engine for below in self.stands_on for engine in below.engines) or (self,)

    @property
    def suspends(self) -> bool:
        """Whether a call may be suspended in a bridge, since an engine or a layer of this stack waits there.

        What is locked over such a call takes a `waiting_lock`.
        """
        return self.awaits

    @property
    def aio(self) -> "AsyncStore[K, V]":
        """The asynchronous face of this store: ``await store.aio.get(key)``."""
        return import_module("spoonbill.aio.store").AsyncStore(self)  # type: ignore[no-any-return] # it is above this

    def verify(self, *, fix: bool = False, progress: Progress = False) -> dict[K, Exception]:
        """Read every value, and return the error of each key whose value is damaged or of another format.

        Parameters
        ----------
        fix : bool, optional
            True removes those entries.
        progress : bool or callable, optional
            True shows a bar; a callable is called with the number of keys so far.

        Raises
        ------
        StoreError
            If the engine fails: that is no damage of a value.
        """
        return damaged(self, fix=fix, progress=progress)

    def describe(self) -> dict[str, Any]:
        """Return what this store is, as plain data: its classes and options, capabilities, limits and guarantees.

        `spoonbill.build` makes the store of it again. Secrets are masked.
        """
        from spoonbill.store.describing import description_of

        return description_of(self)

    @property
    def client(self) -> Any:
        """The engine's own client, for what spoonbill does not wrap.

        Raises
        ------
        UnsupportedError
            If the engine has none.
        """
        raise UnsupportedError(f"{self!r} has no client of its own: its data is in {type(self.raw).__name__}")

    def _ipython_key_completions_(self) -> list[str]:
        """Return some keys for completion in IPython."""
        return [key for key in islice(self.scan("*"), 200) if isinstance(key, str)]

    def _repr_html_(self) -> str:
        """Return the configuration, never data, for notebooks."""
        rows = "".join(f"<tr><th>{name}</th><td>{escape(text)}</td></tr>" for name, text in self.guarantees.rows())
        return f"<p><code>{escape(repr(self))}</code></p><table>{rows}</table>"

    # -- snapshots ---------------------------------------------------------------------------------------------

    def save(self, url: str | Path, *, progress: Progress = False, **storage_options: Any) -> None:
        """Save every pair as one snapshot file, on disk or on any fsspec filesystem.

        Parameters
        ----------
        url : str or Path
            Where to. The file appears only when it is whole; a file that stood there is then replaced.
        progress : bool or callable, optional
            True shows a progress bar; a callable is called with the number of entries written so far.
        **storage_options
            For the fsspec filesystem.

        Raises
        ------
        CodecError
            If a value is of no plain type and this store is strict.
        """
        snapshot.write(url, self.entries(), allow_pickle=not self.strict, progress=progress, **storage_options)

    def load(self, url: str | Path, *, progress: Progress = False, **storage_options: Any) -> None:
        """Replace the contents of this store by those of a snapshot, of whatever kind the store was that saved it.

        The file is read once in full, verified and tried against this store, before anything here changes.

        Parameters
        ----------
        url : str or Path
            A file that `save` wrote.
        progress : bool or callable, optional
            As for `save`.
        **storage_options
            For the fsspec filesystem.

        Raises
        ------
        SnapshotError
            If the file is no snapshot, is torn or corrupted, or holds pickled values and this store is strict.
        InvalidKeyError
            If two of its keys are one key here.
        StoreError
            If the engine fails. Where it cannot replace everything in one step, the error says that the old contents
            may be gone.
        """
        if self.read_only:
            self.replace_all(())  # refused before the file is read
        with snapshot.open_snapshot(url, allow_pickle=not self.strict, **storage_options) as entries:
            check_entries(self, entries, progress)
            self.replace_all(entries(progress=progress))
