"""LmdbStore: any object under any key in an LMDB environment."""

from pathlib import Path
from typing import Any, Literal

from spoonbill.backends.lmdb.backend import Lmdb
from spoonbill.layers.codec import Codec
from spoonbill.store.named import NamedStore


class LmdbStore(NamedStore[Any, Any]):
    """Persistent, larger than memory, fast, and shared by processes: typed values in an LMDB environment.

    Parameters
    ----------
    path : str or Path
        The environment's directory; made where it is missing.
    strict : bool, optional
        False also holds what only pickle and cloudpickle can.
    codec : str or object, optional
        How values are written; ``"msgpack"`` where strict, else ``"cloudpickle"``.
    durability : {"disk", "process"}, optional
        What a finished write survives, see `Lmdb`.
    map_size : int, optional
        The largest size in bytes; by default it grows.
    **options
        For ``lmdb.open``.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        strict: bool = True,
        codec: str | object | None = None,
        durability: Literal["disk", "process"] = "disk",
        map_size: int | None = None,
        **options: Any,
    ) -> None:
        engine = Lmdb(path, durability=durability, map_size=map_size, **options)
        super().__init__(Codec(engine, codec, strict=strict))
