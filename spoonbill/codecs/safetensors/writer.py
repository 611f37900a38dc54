"""A safetensors file written one tensor at a time: the header from layouts alone, then each tensor, then into place."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from spoonbill.codecs.safetensors.header import KIND, build_header
from spoonbill.common.failures import was_raised_by_signal
from spoonbill.common.masking import masked, secrets_in, without
from spoonbill.common.open_places import refuse_open_place
from spoonbill.errors import CodecError, MissingExtraError, StoreError
from spoonbill.filesystems import write_atomically

__all__ = ["Layout", "write_file"]

Layout = tuple[str, str, tuple[int, ...]]
"""The name, the dtype by the format's name and the shape of a tensor."""


def write_file(
    url: str | Path,
    layouts: Iterable[Layout],
    put: Callable[[str, Callable[[Any], Any]], None],
    metadata: Mapping[str, str] | None = None,
    **storage_options: Any,
) -> None:
    """Write tensors as one safetensors file, which appears only when it is whole.

    Parameters
    ----------
    url : str or Path
        A local path or any fsspec URL. A file that stands there is then replaced.
    layouts : iterable of (name, dtype, shape)
        Every tensor.
    put : callable
        Is called with each name and a function that takes the bytes of that tensor, which it passes on at once.
    metadata : mapping of str to str, optional
        Free text for the header.
    **storage_options
        For the fsspec filesystem.

    Raises
    ------
    CodecError
        If the layouts make no file, or the safetensors library itself would refuse it.
    StoreError
        If it cannot be written, or `url` is a file of another store that is open in this process.
    """
    refuse_open_place(url, but=KIND)
    wanted = list(layouts)
    head, order = build_header(wanted, metadata)
    try:
        with write_atomically(url, storage_options, _check_by_the_library) as file:
            file.write(head)
            for name in order:
                put(name, file.write)
    except OSError as error:
        if isinstance(error, StoreError) or was_raised_by_signal(error):
            raise
        reason = without(secrets_in(url, storage_options), f"{type(error).__name__}: {error}")
        raise StoreError(
            f"export to {masked(str(url))} failed, and what stood there is as it was: {reason}. "
            "Check that its directory exists, its permissions and the space that is left."
        ) from error


def _check_by_the_library(path: Path) -> None:
    """Let the reference implementation judge the header: a file that it refuses is not exported."""
    try:
        from safetensors import SafetensorError, safe_open
    except ImportError as error:
        raise MissingExtraError(
            "an export is checked by the safetensors library: pip install 'spoonbill-framework[safetensors]'"
        ) from error
    try:
        with safe_open(path, framework="np"):
            pass
    except SafetensorError as error:
        raise CodecError(f"the installed safetensors library refuses what was to be exported: {error}") from error
