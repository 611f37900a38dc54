"""JSON, and marked pickles in base64 for what it cannot hold: what ``strict=False`` writes where lines are JSON."""

from base64 import b64decode, b64encode
from typing import Any, Final

from spoonbill.codecs.json import PICKLE_FIELD, JsonCodec
from spoonbill.codecs.pickle_first import PickleFirstCodec
from spoonbill.common.failures import pass_on_signal
from spoonbill.errors import CodecError

__all__ = ["LooseJsonCodec"]

_JSON: Final = JsonCodec()
_PICKLE: Final = PickleFirstCodec()
_HEAD: Final = b'{"' + PICKLE_FIELD.encode() + b'":"'
_TAIL: Final = b'"}'


class LooseJsonCodec:
    """Holds any value: as JSON where that is faithful, else as a JSON object with one field, a pickle in base64.

    Loading runs what a stored pickle says: only for data that you trust.
    """

    name: str = "loose-json"
    safe: bool = False

    def dumps(self, value: Any) -> bytes:
        """Return the value as JSON; ``CodecError`` where nothing can hold it."""
        try:
            return _JSON.dumps(value)
        except CodecError:
            return _HEAD + b64encode(_PICKLE.dumps(value)) + _TAIL

    def loads(self, data: bytes) -> Any:
        """Return the value of JSON bytes; ``CodecError`` where they cannot be read."""
        if not data.startswith(_HEAD):
            return _JSON.loads(data)
        try:
            pickled = b64decode(data[len(_HEAD) : -len(_TAIL)], validate=True)
        except ValueError as error:
            pass_on_signal(error)
            raise CodecError(f"the stored JSON says that it holds a pickle in base64, and does not: {error}") from error
        return _PICKLE.loads(pickled)

    def __repr__(self) -> str:
        return "LooseJsonCodec()"
