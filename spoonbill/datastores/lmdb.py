"""LmdbStore: any object under any key in an LMDB environment."""

from pathlib import Path
from typing import Unpack

from spoonbill.backends.lmdb.backend import Lmdb
from spoonbill.backends.lmdb.options import LmdbOptions
from spoonbill.common.generics import K, V
from spoonbill.layers.codec import Codec
from spoonbill.store.named import NamedStore


class LmdbStore(NamedStore[K, V]):
    """Persistent, larger than memory, fast, and shared by processes: typed values in an LMDB environment.

    Parameters
    ----------
    path : str or Path
        The environment's directory; made where it is missing.
    strict : bool, optional
        False also holds what only pickle and cloudpickle can.
    codec : str or object, optional
        How values are written; ``"msgpack"`` where strict, else ``"cloudpickle"``.
    **options
        As `LmdbOptions` tells them, such as ``durability="process"``; all others go to ``lmdb.open``.
    """

    path_options = frozenset({"path"})

    def __init__(
        self,
        path: str | Path,
        *,
        strict: bool = True,
        codec: str | object | None = None,
        **options: Unpack[LmdbOptions],
    ) -> None:
        super().__init__(Codec(Lmdb(path, **options), codec, strict=strict))
