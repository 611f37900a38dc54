"""Bytes as they are."""

from typing import Any

from spoonbill.common.enums import qualified
from spoonbill.errors import CodecError

__all__ = ["RawCodec"]


class RawCodec:
    """Holds ``bytes`` and nothing else; they are stored as they are."""

    name: str = "raw"
    safe: bool = True

    def dumps(self, value: Any) -> bytes:
        """Return the bytes; ``CodecError`` for a value of any other type."""
        if type(value) is not bytes:
            raise CodecError(
                f"the raw codec holds bytes, not {qualified(type(value))}: give bytes(value) where it is a bytes-like "
                "object, or open the store with another codec"
            )
        return value

    def loads(self, data: bytes) -> bytes:
        """Return the stored bytes."""
        return data if type(data) is bytes else bytes(data)

    def __repr__(self) -> str:
        return "RawCodec()"
