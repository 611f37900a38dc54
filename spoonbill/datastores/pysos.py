"""PysosStore: a text file of JSON lines that pysos opens."""

from base64 import b64decode, b64encode
from pathlib import Path
from typing import Any

from spoonbill.backends.pysos import Pysos
from spoonbill.codecs import get_codec
from spoonbill.common.generics import K, V
from spoonbill.errors import CodecError
from spoonbill.layers.codec import Codec
from spoonbill.store.named import NamedStore


class _PickleInJson:
    """A pickle as a JSON string, in base64: a line of pysos holds JSON and nothing else."""

    name = "pickle in json"
    safe = False

    def dumps(self, value: Any, /) -> bytes:
        return b'"' + b64encode(get_codec("cloudpickle").dumps(value)) + b'"'

    def loads(self, data: bytes, /) -> Any:
        try:
            return get_codec("cloudpickle").loads(b64decode(data[1:-1], validate=True))
        except ValueError as error:
            raise CodecError(f"this is no pickle in base64, as strict=False writes it: {error}") from error


class PysosStore(NamedStore[K, V]):
    """A persistent dict in one readable text file, with its index in memory. Values are what JSON holds.

    Parameters
    ----------
    path : str or Path
        The file; made where it is missing.
    strict : bool, optional
        False holds any value by pickle and cloudpickle, as a base64 string.
    codec : str or object, optional
        How values are written; what it writes must be JSON.
    """

    def __init__(self, path: str | Path, *, strict: bool = True, codec: str | object | None = None) -> None:
        chosen = codec if codec is not None else "json" if strict else _PickleInJson()
        super().__init__(Codec(Pysos(path), chosen, strict=strict))
