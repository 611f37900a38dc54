"""The layer that holds tensors in a store of bytes."""

from collections.abc import Callable
from typing import Any

from spoonbill.codecs.safetensors import Header, Safetensors, TensorInfo
from spoonbill.codecs.safetensors.header import METADATA
from spoonbill.common.sentinels import MISSING
from spoonbill.common.text import shortened
from spoonbill.errors import CodecError, InvalidKeyError, UnsupportedError
from spoonbill.layers.codec import Codec
from spoonbill.store import Store
from spoonbill.store.binding import bind
from spoonbill.store.odd_keys import ODD, raise_unhashable

__all__ = ["SafetensorsCodec"]


class SafetensorsCodec(Codec[Any, Any]):
    """Tensors and dicts of tensors over a store of bytes, each value as a safetensors file of its own.

    Where the engine lends its memory (`ZeroCopyLmdb`) a tensor is made straight from it, with one copy or with none.

    Parameters
    ----------
    store : Store
        A store that holds bytes. Keys are str, as the names in a safetensors file are.
    framework : {"np", "pt", "tf", "flax"}, optional
        Whose tensors.
    device : str, optional
        Where loaded tensors shall be.
    copy : bool, optional
        False returns read-only numpy arrays on the engine's own memory where it lends it, else on the bytes that it
        returned. While such an array lives, LMDB keeps the state of the database that it was read from.

    Raises
    ------
    UnsupportedError
        If ``copy=False`` is asked of a framework whose tensors cannot be read-only.
    """

    def __init__(
        self, store: Store[Any, Any], framework: str = "np", device: str = "cpu", *, copy: bool = True
    ) -> None:
        self._tensors = Safetensors(framework, device, copy=copy)
        if not copy and "frozen" not in self._tensors.framework.lends:
            raise UnsupportedError(
                f"{type(self).__name__}(framework={framework!r}, copy=False): only numpy's arrays can be read-only "
                "views of a store's memory"
            )
        super().__init__(store, self._tensors, keys="text")
        keys: Any = self.inner
        self._down: Callable[[Any], str] = keys.down
        lend = getattr(keys.inner, "borrow" if copy else "lease", None)
        if lend is not None:
            self._memory_of: Callable[..., Any] = lend
            bind(self, "get", self._lent, because="the tensor is made straight from the engine's memory")

    def _lent(self, key: Any, default: Any = None) -> Any:
        """Get a value without a copy of its bytes: the `get` of a codec over an engine that lends."""
        try:
            name = self._down(key)
        except ODD as error:
            raise_unhashable(key, error)
            return default
        return self._memory_of(name, lambda memory: self.decode(memory, key), default)

    def encode(self, value: Any, key: Any) -> bytes:
        if key == METADATA:
            raise InvalidKeyError(f"{self!r}: {METADATA} is no name of a tensor, the format keeps it for itself")
        return super().encode(value, key)

    def info(self, key: Any) -> TensorInfo | dict[str, TensorInfo]:
        """Return the dtype and the shape of a tensor, or of each tensor of a dict, without loading it.

        Raises
        ------
        KeyError
            If the key is absent.
        """
        found = self._read_once(key, lambda data: self._parse(data, key))
        if found is MISSING:
            raise KeyError(key)
        return self._described(found)

    def lend(self, key: Any, part: str | None, use: Callable[[str, tuple[int, ...], Any], Any]) -> None:
        """Call `use` with the dtype, the shape and the bytes of a tensor, or of the `part` of a dict.

        Nothing is loaded: the bytes are the stored ones, valid until `use` returns, and do not stay in memory.

        Raises
        ------
        KeyError
            If there is no such tensor.
        """

        def pass_on(data: Any) -> None:
            found: Any = self._described(self._parse(data, key))
            if isinstance(found, dict) != (part is not None):
                raise KeyError(key)
            info = found if part is None else found[part]
            use(info.dtype, info.shape, memoryview(data)[info.start : info.end])

        if self._read_once(key, pass_on) is MISSING:
            raise KeyError(key)

    def _read_once(self, key: Any, use: Callable[[Any], Any]) -> Any:
        lend = getattr(self.raw, "borrow", None)
        if lend is not None:
            return lend(self._down(key), use, MISSING, once=True)
        data = self.inner.get(key, MISSING)
        return MISSING if data is MISSING else use(data)

    def _parse(self, data: Any, key: Any) -> Header:
        try:
            return self._tensors.parse(data)
        except CodecError as error:
            raise CodecError(f"{self!r} cannot read the value of key {shortened(key)}: {error}") from error

    def _described(self, header: Header) -> TensorInfo | dict[str, TensorInfo]:
        return next(iter(header.tensors.values())) if self._tensors.alone(header) else dict(header.tensors)
