"""PysosStore: a text file of JSON lines that pysos opens."""

from pathlib import Path

from spoonbill.backends.pysos.backend import Pysos
from spoonbill.common.generics import K, V
from spoonbill.layers.codec import Codec
from spoonbill.store.named import NamedStore


class PysosStore(NamedStore[K, V]):
    """A persistent dict in one readable text file, with its index in memory. Values are what JSON holds.

    Parameters
    ----------
    path : str or Path
        The file; made where it is missing.
    strict : bool, optional
        False also holds what only pickle and cloudpickle can, as a JSON object with one field, a pickle in base64.
    codec : str or object, optional
        How values are written; what it writes must be JSON.
    """

    path_options = frozenset({"path"})

    def __init__(self, path: str | Path, *, strict: bool = True, codec: str | object | None = None) -> None:
        chosen = codec if codec is not None else "json" if strict else "loose-json"
        super().__init__(Codec(Pysos(path), chosen, strict=strict))
