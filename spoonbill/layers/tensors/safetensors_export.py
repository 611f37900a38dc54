"""The layer that writes a store's tensors as one safetensors file."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from spoonbill.codecs.safetensors import get_framework
from spoonbill.codecs.safetensors.writer import Layout, write_file
from spoonbill.common.text import shortened
from spoonbill.errors import CodecError, StoreError
from spoonbill.layers.tensors.safetensors_codec import SafetensorsCodec
from spoonbill.store import Layer, Store

K = TypeVar("K")
V = TypeVar("V")

__all__ = ["SafetensorsExport"]


class SafetensorsExport(Layer[K, V]):
    """Adds `export_safetensors` to a store of tensors. Every verb is the store's own.

    Parameters
    ----------
    store : Store
        Its values are tensors of the framework, or dicts of them.
    framework : {"np", "pt", "tf", "flax"}, optional
        Whose tensors.
    """

    def __init__(self, store: Store[Any, Any], framework: str = "np") -> None:
        super().__init__(store)
        self._framework = get_framework(framework)

    def export_safetensors(
        self, path: str | Path, metadata: Mapping[str, str] | None = None, **storage_options: Any
    ) -> None:
        """Write every tensor to one safetensors file, which appears only when it is whole.

        The store is read twice, first for shapes alone, and one tensor at a time is in memory. A dict of tensors
        under the key ``layer`` becomes ``layer.weight``, ``layer.bias``, ...

        Parameters
        ----------
        path : str or Path
            A local path or any fsspec URL. A file that stands there is replaced.
        metadata : mapping of str to str, optional
            Free text for the header; by default that of the file which is exported, such as ``{"format": "pt"}``.
        **storage_options
            For the fsspec filesystem.

        Raises
        ------
        CodecError
            If a value is no tensor of the framework, or two would have one name.
        StoreError
            If it cannot be written, or a tensor changed while it was; what stood at `path` is then as it was.
        """
        sources: dict[str, tuple[K, str | None, str, tuple[int, ...]]] = {}
        for key in self.inner.iter():
            for part, dtype, shape in self._layouts(key):
                name = _name(key, part)
                if name in sources:
                    raise CodecError(
                        f"export of {self!r}: the keys {shortened(sources[name][0])} and {shortened(key)} would both "
                        f"name a tensor {name!r}; rename one of them"
                    )
                sources[name] = (key, part, dtype, shape)
        if metadata is None:
            metadata = self._metadata()
        layouts: Iterator[Layout] = ((name, dtype, shape) for name, (_, _, dtype, shape) in sources.items())
        write_file(path, layouts, lambda name, write: self._put(*sources[name], write), metadata, **storage_options)

    def _metadata(self) -> dict[str, str] | None:
        """Return the free text of the file that is exported, where it is one."""
        found = getattr(self.inner, "metadata", None)
        if type(found) is not dict:
            return None
        return {name: text for name, text in found.items() if type(text) is str} or None

    def _layouts(self, key: K) -> list[tuple[str | None, str, tuple[int, ...]]]:
        """Return the part, the dtype and the shape of each tensor under `key`, from headers where there are any."""
        describe = getattr(self.inner, "info", None)
        if describe is not None:
            found = describe(key)
            parts = found.items() if isinstance(found, dict) else ((None, found),)
            return [(part, info.dtype, info.shape) for part, info in parts]
        value = self.inner[key]
        parts = value.items() if type(value) is dict else ((None, value),)
        return [(part, *self._layout(key, part, tensor)) for part, tensor in parts]

    def _layout(self, key: K, part: str | None, tensor: Any) -> tuple[str, tuple[int, ...]]:
        try:
            return self._framework.layout(tensor)
        except CodecError as error:
            where = f"key {shortened(key)}" if part is None else f"key {shortened(key)}, tensor {part!r}"
            raise CodecError(f"export of {self!r}, {where}: {error}") from error

    def _put(self, key: K, part: str | None, dtype: str, shape: tuple[int, ...], write: Callable[[Any], Any]) -> None:
        """Write the bytes of a tensor, of which the header already tells the dtype and the shape."""

        def put(found_dtype: str, found_shape: tuple[int, ...], memory: Any) -> None:
            if (found_dtype, found_shape) != (dtype, shape):
                raise self._changed(key)
            write(memory)

        try:
            self._lend(key, part, put)
        except (KeyError, TypeError) as error:
            raise self._changed(key) from error

    def _lend(self, key: K, part: str | None, use: Callable[[str, tuple[int, ...], Any], None]) -> None:
        """Call `use` with the dtype, the shape and the bytes of a tensor."""
        if isinstance(self.inner, SafetensorsCodec):
            self.inner.lend(key, part, use)
            return
        value = self.inner[key]
        tensor = value if part is None else value[part]
        use(*self._framework.layout(tensor), self._framework.memory(tensor))

    def _changed(self, key: K) -> StoreError:
        return StoreError(
            f"the value of key {shortened(key)} in {self!r} changed while it was exported, and nothing was written: "
            "export again when nobody writes"
        )


def _name(key: Any, part: Any) -> str:
    """Return the name in the file of a key, or of a part of the dict that it holds."""
    for word in (key, part):
        if word is not None and not isinstance(word, str):
            raise CodecError(f"the name of a tensor is a str, not {type(word).__name__} {shortened(word)}")
    return key if part is None else f"{key}.{part}"
