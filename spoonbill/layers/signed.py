"""Values signed, and refused where the signature does not fit."""

import hmac
from typing import Any, Final, TypeVar

from spoonbill.common.progress import Progress
from spoonbill.common.text import shortened
from spoonbill.errors import CodecError
from spoonbill.layers.encrypted import rotate
from spoonbill.layers.keyring import Keyring
from spoonbill.store import BytesLayer, Store

__all__ = ["Signed"]

K = TypeVar("K")
V = TypeVar("V")

_VERSION: Final = b"\x01"
_MAC: Final = 32


class Signed(BytesLayer[K, V]):
    """Signs stored bytes by HMAC-SHA-256 over the key and the value; over a named store it goes in below the codec.

    The signature is compared, in constant time, before anything is decoded: with it, pickles in a store that others can
    write are safe to read, as long as the secret is. A value that was changed, or moved to another key, is refused. An
    old value of the same key, put back by somebody, is not noticed.

    Parameters
    ----------
    store : Store
        A store of bytes with str keys, or a named store.
    keys : bytes, or dict of str to bytes
        One secret key of at least 16 bytes, or several by id, the last of which writes.
    current : str, optional
        The id of the key that writes, where it is not the last.

    Raises
    ------
    UnsupportedError
        If a key is too short.

    Examples
    --------
    >>> from spoonbill.datastores import InMemoryStore
    >>> from spoonbill import Codec
    >>> store = Codec(Signed(InMemoryStore(), b"a secret of sixteen bytes"), "pickle")
    >>> store["a"] = {1, 2}
    >>> store["a"]
    {1, 2}
    """

    secret_options = frozenset({"keys"})

    def __init__(self, store: Store[Any, Any], keys: bytes | dict[str, bytes], *, current: str | None = None) -> None:
        self._keys = Keyring(keys, (), "Signed", current)
        super().__init__(store)

    def encode(self, value: Any, key: K) -> bytes:
        data = self._checked(value, key)
        header = _VERSION + self._keys.header
        return header + _mac(self._keys[self._keys.current], header, key, data) + data

    def decode(self, data: bytes, key: K) -> Any:
        if data[:1] != _VERSION:
            raise self._refused(key, "it was not written by a Signed layer")
        try:
            name, header, rest = Keyring.split(data[1:])
            secret = self._keys[name]
        except CodecError as error:
            raise self._refused(key, str(error)) from error
        value = rest[_MAC:]
        if not hmac.compare_digest(rest[:_MAC], _mac(secret, _VERSION + header, key, value)):
            raise self._refused(key, "it was changed, or it belongs to another key")
        return value

    def _refused(self, key: K, reason: str) -> CodecError:
        return CodecError(f"the value of key {shortened(key)} in {self!r} has no valid signature: {reason}")

    def rotate(self, *, progress: Progress = False) -> int:
        """Sign every value anew by the key that writes now, and return how many were.

        Parameters
        ----------
        progress : bool or callable, optional
            True shows a progress bar; a callable is called with the number of keys so far.
        """
        return rotate(self._working, progress)


def _mac(secret: bytes, header: bytes, key: Any, data: bytes) -> bytes:
    name = str(key).encode("utf-8", "surrogatepass")
    # Lengths first, so that no byte can pass from one part to another.
    return hmac.digest(secret, header + len(name).to_bytes(8, "big") + name + data, "sha256")
