"""What RocksDB is to hold: less than it would, since it holds each pair in memory as a whole."""

from typing import Any, Final

from spoonbill.common.text import shortened
from spoonbill.errors import InvalidKeyError, KeyTooLongError, ValueTooLargeError

__all__ = ["LARGEST_VALUE", "LONGEST_KEY", "check_pair"]

LONGEST_KEY: Final = 8 << 20
LARGEST_VALUE: Final = 3 << 30


def check_pair(store: Any, key: str, data: bytes, value: Any) -> None:
    """Raise the error for a pair that RocksDB cannot hold; `data` is the key in UTF-8."""
    if len(data) > LONGEST_KEY:
        raise KeyTooLongError(
            f"set of key {shortened(key)} in {store!r}: it is {len(data)} bytes long, RocksDB is to hold "
            f"{LONGEST_KEY}; shorten it, or keep it in the value under a hash"
        )
    if type(value) is not bytes:
        raise InvalidKeyError(f"{store!r} holds bytes, not {type(value).__name__}: put a Codec on it")
    if len(value) > LARGEST_VALUE:
        raise ValueTooLargeError(
            f"set of key {shortened(key)} in {store!r}: the value is {len(value):,} bytes, RocksDB is to hold "
            f"{LARGEST_VALUE:,}; put Chunked(store) around it"
        )
