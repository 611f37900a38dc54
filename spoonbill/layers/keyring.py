"""Secret keys by id, the newest of which writes."""

from collections.abc import Mapping
from typing import Any, Final

from spoonbill.errors import CodecError, UnsupportedError

__all__ = ["Keyring"]

_ONLY: Final = ""
_LONGEST_ID: Final = 255


class Keyring:
    """The keys of a layer that encrypts or signs, by id.

    Parameters
    ----------
    keys : bytes, or mapping of str to bytes
        One key, or several by id, the last of which writes.
    sizes : collection of int
        The lengths that a key may have, in bytes; empty for any of at least 16.
    owner : str
        The layer's name, for errors.
    current : str, optional
        The id that writes, where it is not the last.
    """

    def __init__(self, keys: Any, sizes: tuple[int, ...], owner: str, current: str | None = None) -> None:
        named: dict[str, bytes] = dict(keys) if isinstance(keys, Mapping) else {_ONLY: keys}
        if not named:
            raise UnsupportedError(f"{owner} needs at least one key")
        for name, key in named.items():
            if not isinstance(name, str) or len(name.encode()) > _LONGEST_ID:
                raise UnsupportedError(
                    f"{owner}: the id of a key is a str of at most {_LONGEST_ID} bytes, not {name!r}"
                )
            if not isinstance(key, (bytes, bytearray)):
                raise UnsupportedError(f"{owner}: key {name!r} is bytes, not {type(key).__name__}")
            if (len(key) not in sizes) if sizes else len(key) < 16:
                wanted = " or ".join(map(str, sizes)) if sizes else "at least 16"
                raise UnsupportedError(f"{owner}: key {name!r} has {wanted} bytes, and this one {len(key)}")
        self.current = next(reversed(named)) if current is None else current
        if self.current not in named:
            raise UnsupportedError(f"{owner}: current={self.current!r} names none of the keys {', '.join(named)}")
        self._keys = {name: bytes(key) for name, key in named.items()}
        self._owner = owner

    def __getitem__(self, name: str) -> bytes:
        try:
            return self._keys[name]
        except KeyError:
            raise CodecError(
                f"{self._owner} has no key with the id {name!r}, by which this value was written: give that key too"
            ) from None

    @property
    def header(self) -> bytes:
        """The id that writes, as it stands before each value."""
        name = self.current.encode()
        return bytes([len(name)]) + name

    @staticmethod
    def split(data: bytes) -> tuple[str, bytes, bytes]:
        """Return the id that stands before a value, the header, and what follows."""
        end = 1 + (data[0] if data else 0)
        if not data or len(data) < end:
            raise CodecError("it is too short")
        try:
            return data[1:end].decode(), data[:end], data[end:]
        except UnicodeDecodeError as error:
            raise CodecError("the id of its key is no text") from error

    def __repr__(self) -> str:
        return f"<{len(self._keys)} keys>"
