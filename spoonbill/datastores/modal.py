"""ModalStore: a modal.Dict as a whole mapping."""

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal, TypeVar, Unpack

from spoonbill.backends.modal.apps import check_app
from spoonbill.backends.modal.backend import Modal
from spoonbill.backends.modal.names import index_name
from spoonbill.backends.modal.options import ModalOptions
from spoonbill.errors import UnsupportedError
from spoonbill.layers.any_key import AnyKey
from spoonbill.layers.codec import Codec
from spoonbill.layers.metadata_index.layer import MetadataIndex
from spoonbill.store import Store
from spoonbill.store.named import NamedStore

K = TypeVar("K")
V = TypeVar("V")

_CONCURRENCY = 16
"""How many entries of the first data are added at the same time."""


class ModalStore(NamedStore[K, V]):
    """A cache that every function of Modal can reach: the entries of a ``modal.Dict``, by its name alone.

    What the Dict holds is written and read by modal's own client, by cloudpickle, whether strict or not: use a Dict
    that only those write whom you trust. An entry expires after seven days without use.

    Parameters
    ----------
    name : str
        The Dict. It is created by the first call.
    stub : object, optional
        A ``Stub`` of an old client. Today's client has a ``modal.App`` in its place, which is taken here too.
    app : modal.App, optional
        The app in whose run the store is used. A Dict is known by its name, so that it changes nothing today.
    data : mapping, optional
        What the store holds to begin with: entries are added at once where their keys are absent, so that a program
        that is loaded again, as Modal does it in each container, does not set back what was written since.
    index : {"auto", False, True} or Store, optional
        What lists the keys. ``"auto"`` and False: modal itself. True: a `MetadataIndex` in a second Dict. A store: a
        `MetadataIndex` in that store. All programs that write to the Dict must agree on it.
    strict : bool, optional
        True takes plain keys, and refuses a snapshot that holds pickled values. False also takes keys that only pickle
        can hold. Values are what modal's client can pickle, in both cases.
    codec : str or object, optional
        How values are written as bytes, if not as modal pickles them.
    fields : iterable of str, optional
        Fields of the values that the index keeps, for searches that read only what can match.
    **options : ModalOptions
        ``environment_name``, ``create``, ``client``, ``timeout``.

    Raises
    ------
    MissingExtraError
        If modal is not installed.
    """

    def __init__(
        self,
        name: str,
        stub: Any = None,
        app: Any = None,
        data: Mapping[Any, Any] | None = None,
        *,
        index: Literal["auto"] | bool | Store[Any, Any] = "auto",
        strict: bool = True,
        codec: str | object | None = None,
        fields: Iterable[str] = (),
        **options: Unpack[ModalOptions],
    ) -> None:
        engine = Modal(name, **options)
        check_app("stub", stub)
        check_app("app", app)
        fields = tuple(fields) if not isinstance(fields, str) else fields
        if fields and (codec is not None or index is False or index == "auto"):
            raise UnsupportedError(
                "ModalStore keeps fields= in an index, of values as modal holds them: open it with index=True, and "
                "without codec="
            )
        if isinstance(index, Store):
            self._held: Store[Any, Any] = MetadataIndex(engine, index, fields)
        elif index is True:
            keys = Modal(index_name(name), **options)
            self._held = MetadataIndex(engine, keys, fields)
        elif index is False or index == "auto":
            self._held = engine
        else:
            raise UnsupportedError(f'ModalStore: index= is "auto", True, False or a store, not {index!r}')
        super().__init__(
            AnyKey(self._held, strict=strict) if codec is None else Codec(self._held, codec, strict=strict)
        )
        if codec is None:
            self.strict = strict
        if data:
            with ThreadPoolExecutor(_CONCURRENCY) as threads:
                list(threads.map(self.add, data.keys(), data.values()))

    @property
    def raw(self) -> Store[Any, Any]:
        """The store of what the Dict holds, with its index where it has one."""
        return self._held

    def __reduce__(self) -> tuple[Any, ...]:
        # The data is in the Dict, and an app belongs to its run.
        rebuild, (cls, arguments, options) = super().__reduce__()
        kept = {name: option for name, option in options.items() if name not in {"stub", "app", "data"}}
        if kept.get("client") is not None:
            self._held.raw.__reduce__()
        return rebuild, (cls, arguments[:1], kept)
