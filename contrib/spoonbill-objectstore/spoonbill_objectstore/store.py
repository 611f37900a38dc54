"""The named store: a stack of layers over the backend."""

from typing import Any, TypeVar

from spoonbill import Codec
from spoonbill.store.named import NamedStore
from spoonbill_objectstore.backend import Objects

__all__ = ["ObjectStore"]

K = TypeVar("K")
V = TypeVar("V")


class ObjectStore(NamedStore[K, V]):
    """Values as objects of S3, Google Cloud Storage, Azure, or files of a folder, with their types.

    Parameters
    ----------
    url : str
        ``s3://bucket/folder``, ``gs://``, ``az://``, ``file:///folder`` or ``memory:///``.
    strict : bool, optional
        False also holds what only pickle and cloudpickle can.
    codec : str or object, optional
        How values are written; ``"msgpack"`` where strict, else ``"cloudpickle"``.
    **options
        For ``obstore.store.from_url``: credentials, region, endpoint.
    """

    def __init__(self, url: str, *, strict: bool = True, codec: str | object | None = None, **options: Any) -> None:
        super().__init__(Codec(Objects(url, **options), codec, strict=strict))
