"""Stores that change a key or a value, take too much, or lose what they cannot read."""

import unicodedata

from spoonbill import ValueLayer
from spoonbill.common.traits import Limits
from spoonbill.errors import CodecError, KeyTooLongError, StoreError, ValueTooLargeError
from tests.contract.planted.base import Sound


class CutsLongValues(Sound):
    def set(self, key, value):
        self.data[key] = value[: 64 << 10]


class StripsTrailingNul(Sound):
    def set(self, key, value):
        self.data[key] = value.rstrip(b"\x00")


class WritesUpToTheMisfit(Sound):
    whole_batch = 100

    def set_many(self, pairs):
        for key, value in pairs:
            if not isinstance(value, bytes):
                raise CodecError(f"{key} holds no bytes")
            self.set(key, value)


class CutsAtNul(Sound):
    def set(self, key, value):
        self.data[key] = value if value.startswith(b"\x00") else value.partition(b"\x00")[0]


class StripsSpace(Sound):
    def set(self, key, value):
        self.data[key] = value.strip()


class TuplesBecomeLists(Sound):
    def set(self, key, value):
        self.data[key] = _listed(value)


def _listed(value):
    if isinstance(value, dict):
        return {key: _listed(part) for key, part in value.items()}
    return [_listed(part) for part in value] if isinstance(value, (list, tuple)) else value


class _FoldsKeys(Sound):
    def fold(self, key):
        return key

    def get(self, key, default=None):
        return self.data.get(self.fold(key), default) if isinstance(key, str) else default

    def set(self, key, value):
        self.data[self.fold(key)] = value

    def delete(self, key):
        return super().delete(self.fold(key)) if isinstance(key, str) else False


class FoldsToComposed(_FoldsKeys):
    def fold(self, key):
        return unicodedata.normalize("NFC", key)


class FoldsToCompatible(_FoldsKeys):
    def fold(self, key):
        return unicodedata.normalize("NFKC", key)


class FoldsCase(_FoldsKeys):
    def fold(self, key):
        return key.lower()


class StripsKeys(_FoldsKeys):
    def fold(self, key):
        return key.rstrip(" .")


class CountsKeyCharacters(Sound):
    limits = Limits(key_bytes=511)

    def check(self, key, value):
        if len(key) > 511:
            raise KeyTooLongError(f"the key of {len(key)} bytes is longer than 511")

    def set(self, key, value):
        self.check(key, value)
        self.data[key] = value


class TakesTooLargeValues(Sound):
    limits = Limits(value_bytes=100_000)

    def check(self, key, value):
        if len(value) > 110_000:
            raise ValueTooLargeError("the value is larger than 100000 bytes")

    def set(self, key, value):
        self.check(key, value)
        self.data[key] = value


class LosesWhatItCannotDecode(ValueLayer):
    """Takes the entry out, and decodes it then."""

    def encode(self, value, key):
        return b"!" + value

    def decode(self, data, key):
        if not data.startswith(b"!"):
            raise CodecError(f"the value of {key!r} is no value of this layer")
        return data[1:]

    def pop(self, key, *default):
        return self.decode(self.inner.pop(key, *default), key)


class DropsWhatItCannotDecode(LosesWhatItCannotDecode):
    """Its pop is right, but its listing removes what it cannot decode."""

    leaves = ()

    def pop(self, key, *default):
        value = self.get(key)
        if value is None:
            return self.inner.pop(key, *default)
        self.inner.delete(key)
        return value

    def get(self, key, default=None):
        data = self.inner.get(key, None)
        if data is None:
            return default
        try:
            return self.decode(data, key)
        except CodecError:
            self.inner.delete(key)
            raise


class ClosesOnce(Sound):
    handle = None

    def close(self):
        if self.handle == "closed":
            raise StoreError("close failed: there is no handle")
        self.handle = "closed"


VALUES = (CutsLongValues, StripsTrailingNul, CutsAtNul, StripsSpace, TakesTooLargeValues, WritesUpToTheMisfit)
TUPLES = (TuplesBecomeLists,)
KEYS = (FoldsToComposed, FoldsToCompatible, FoldsCase, StripsKeys, CountsKeyCharacters)
LAYERS = (LosesWhatItCannotDecode, DropsWhatItCannotDecode)
PLANTED = (*VALUES, *KEYS, ClosesOnce)
