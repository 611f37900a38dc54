"""Keys of any other type: by their pickle, where the caller allows it."""

import io
import numbers
import pickle
from typing import Any

from spoonbill.common.enums import qualified
from spoonbill.common.failures import UNPICKLABLE, UNREADABLE, pass_on_signal
from spoonbill.errors import InvalidKeyError


def encode_pickled(key: Any) -> str:
    """Encode any other key as its pickle, where that is stable under a round trip."""
    name = qualified(type(key))
    if isinstance(key, numbers.Number | memoryview):
        # These may equal an int, float or bytes, whose name is another: one key would have two entries.
        raise InvalidKeyError(f"a key of type {name} cannot be stored: use int, float, Decimal or bytes")
    try:
        hash(key)
        data = _canonical_pickle(key)
        back = pickle.loads(data)
        stable = _canonical_pickle(back) == data and bool(back == key) and hash(back) == hash(key)
    except (*UNREADABLE, *UNPICKLABLE) as error:
        pass_on_signal(error)
        raise InvalidKeyError(f"a key of type {name} cannot be stored: {error}") from error
    if not stable:
        raise InvalidKeyError(
            f"a key of type {name} cannot be stored: its pickle does not come back as an equal key; give the class "
            "__eq__ and __hash__, or use a tuple of its fields"
        )
    return "!p" + data.hex()


def _canonical_pickle(key: Any) -> bytes:
    buffer = io.BytesIO()
    pickler = pickle.Pickler(buffer, 5)
    # Without the memo, equal keys pickle alike whether or not their parts are the same objects.
    pickler.fast = True
    pickler.dump(key)
    return buffer.getvalue()
