"""Values encrypted and bound to their keys."""

import os
from typing import Any, Final, Literal, TypeVar

from spoonbill.common.progress import Progress, with_progress
from spoonbill.common.sentinels import MISSING
from spoonbill.common.text import shortened
from spoonbill.errors import CodecError, MissingExtraError, UnsupportedError
from spoonbill.layers.keyring import Keyring
from spoonbill.store import BytesLayer, Store

__all__ = ["Encrypted"]

K = TypeVar("K")
V = TypeVar("V")

_NONCE: Final = 12
_VERSIONS: Final = {"aes-256-gcm": b"\x01", "chacha20-poly1305": b"\x02"}
_SIZE: Final = 32


class Encrypted(BytesLayer[K, V]):
    """Encrypts stored bytes; over a named store it goes in below the codec. Keys of the store stay readable.

    A value is AES-256-GCM or ChaCha20-Poly1305 (RFC 8439) of the plain bytes with a random nonce of 96 bits, and the
    store's key is part of what is authenticated: a value that was changed, or moved to another key, is refused. Nonces
    are random: with one secret key write no more than some 2**32 values, then add a new one and `rotate`.

    Parameters
    ----------
    store : Store
        A store of bytes with str keys, or a named store.
    keys : bytes, or dict of str to bytes
        One secret key of 32 bytes, or several by id, the last of which writes. Values say by which one they were
        written.
    cipher : {"aes-256-gcm", "chacha20-poly1305"}, optional
        For new values; both are read.
    current : str, optional
        The id of the key that writes, where it is not the last.

    Raises
    ------
    UnsupportedError
        If a key has another length, or there is no such cipher.
    MissingExtraError
        If ``cryptography`` is not installed (the extra ``encryption``).

    Examples
    --------
    >>> import os
    >>> from spoonbill.datastores import InMemoryStore
    >>> from spoonbill import Codec
    >>> store = Codec(Encrypted(InMemoryStore(), os.urandom(32)))
    >>> store["a"] = {"salary": 1}
    >>> store["a"]
    {'salary': 1}
    """

    secret_options = frozenset({"keys"})
    leaves_noise = True

    def __init__(
        self,
        store: Store[Any, Any],
        keys: bytes | dict[str, bytes],
        *,
        cipher: Literal["aes-256-gcm", "chacha20-poly1305"] = "aes-256-gcm",
        current: str | None = None,
    ) -> None:
        try:
            from cryptography.exceptions import InvalidTag
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
        except ImportError as error:
            raise MissingExtraError(
                "Encrypted needs the cryptography library: pip install 'spoonbill-framework[encryption]'"
            ) from error
        if cipher not in _VERSIONS:
            raise UnsupportedError(f"Encrypted knows no cipher {cipher!r}: use one of {', '.join(_VERSIONS)}")
        self._keys = Keyring(keys, (_SIZE,), "Encrypted", current)
        self._version = _VERSIONS[cipher]
        self._ciphers: dict[bytes, Any] = {b"\x01": AESGCM, b"\x02": ChaCha20Poly1305}
        self._invalid = InvalidTag
        super().__init__(store)

    def encode(self, value: Any, key: K) -> bytes:
        data = self._checked(value, key)
        header = self._version + self._keys.header
        nonce = os.urandom(_NONCE)
        cipher = self._ciphers[self._version](self._keys[self._keys.current])
        return header + nonce + bytes(cipher.encrypt(nonce, data, _bound(header, key)))

    def decode(self, data: bytes, key: K) -> Any:
        version = data[:1]
        if version not in self._ciphers:
            raise self._refused(key, "it was not written by an Encrypted layer")
        try:
            name, header, rest = Keyring.split(data[1:])
            cipher = self._ciphers[version](self._keys[name])
            return bytes(cipher.decrypt(rest[:_NONCE], rest[_NONCE:], _bound(version + header, key)))
        except (CodecError, ValueError) as error:
            raise self._refused(key, str(error)) from error
        except self._invalid as error:
            raise self._refused(key, "it was changed, or it belongs to another key") from error

    def _refused(self, key: K, reason: str) -> CodecError:
        return CodecError(f"the value of key {shortened(key)} in {self!r} cannot be decrypted: {reason}")

    def rotate(self, *, progress: Progress = False) -> int:
        """Encrypt every value anew by the key that writes now, beside readers and writers, and return how many were.

        A value that another writer changes meanwhile is written by its new key already. When this returns, older keys
        can be given up.

        Parameters
        ----------
        progress : bool or callable, optional
            True shows a progress bar; a callable is called with the number of keys so far.
        """
        return rotate(self._working, progress)


def _bound(header: bytes, key: Any) -> bytes:
    """Return what is authenticated beside the value: its header, and the key under which it stands."""
    return header + str(key).encode("utf-8", "surrogatepass")


def rotate(layer: BytesLayer[Any, Any], progress: Progress) -> int:
    """Write every value of a layer anew that is not as it would be written now."""
    count = 0
    for key in with_progress(layer.inner.iter(), progress, "rotating"):
        while (data := layer.inner.get(key, MISSING)) is not MISSING:
            if layer.inner.replace(key, data, layer.encode(layer.decode(data, key), key)):
                count += 1
                break
    return count
