"""Strings as UTF-8."""

from typing import Any

from spoonbill.common.enums import qualified
from spoonbill.errors import CodecError

__all__ = ["TextCodec"]


class TextCodec:
    """Holds ``str`` and nothing else, as UTF-8."""

    name: str = "text"
    safe: bool = True

    def dumps(self, value: Any) -> bytes:
        """Return the string as UTF-8; ``CodecError`` for any other type and for lone surrogates."""
        if type(value) is not str:
            raise CodecError(
                f"the text codec holds str, not {qualified(type(value))}: give str(value), or open the store with "
                "another codec"
            )
        try:
            return value.encode()
        except UnicodeEncodeError as error:
            raise CodecError(
                f"the text codec cannot hold a str with a lone surrogate ({error}): the msgpack codec can"
            ) from error

    def loads(self, data: bytes) -> str:
        """Return the stored string; ``CodecError`` where the bytes are not UTF-8."""
        try:
            return str(data, "utf-8")
        except UnicodeDecodeError as error:
            raise CodecError(f"the stored bytes are not UTF-8 text: {error}") from error

    def __repr__(self) -> str:
        return "TextCodec()"
