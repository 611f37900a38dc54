"""What a codec is, and the codecs by name."""

from typing import Any, Protocol, runtime_checkable

from spoonbill.codecs.cloudpickle import CloudpickleCodec
from spoonbill.codecs.json import JsonCodec
from spoonbill.codecs.loose import LooseCodec
from spoonbill.codecs.loose_json import LooseJsonCodec
from spoonbill.codecs.msgpack import MsgpackCodec
from spoonbill.codecs.pickle import PickleCodec
from spoonbill.codecs.pickle_first import PickleFirstCodec
from spoonbill.codecs.plain_pickle import PlainPickleCodec
from spoonbill.codecs.raw import RawCodec
from spoonbill.codecs.text import TextCodec
from spoonbill.errors import CodecError

__all__ = ["ValueCodec", "get_codec"]


@runtime_checkable
class ValueCodec(Protocol):
    """Objects to bytes and back.

    ``loads(dumps(value))`` is equal to ``value`` and of its type; what cannot come back so raises ``CodecError`` when
    it is dumped. A codec keeps no state, so threads may share one.
    """

    @property
    def name(self) -> str:
        """What the codec is called in messages and in :func:`get_codec`."""
        ...

    @property
    def safe(self) -> bool:
        """``False`` where ``loads`` may run what the stored bytes say."""
        ...

    def dumps(self, value: Any, /) -> bytes:
        """Return the value as bytes; ``CodecError`` where it cannot be held."""
        ...

    def loads(self, data: bytes, /) -> Any:
        """Return the value of these bytes; ``CodecError`` where they cannot be read."""
        ...


_CODECS: tuple[ValueCodec, ...] = (
    MsgpackCodec(),
    JsonCodec(),
    RawCodec(),
    TextCodec(),
    PickleCodec(),
    CloudpickleCodec(),
    PlainPickleCodec(),
    PickleFirstCodec(),
    LooseCodec(),
    LooseJsonCodec(),
)
_BUILTIN = {codec.name: codec for codec in _CODECS}


class _Adapted:
    """An object with ``dumps`` and ``loads`` of its own, such as a module, as a :class:`ValueCodec`."""

    def __init__(self, codec: Any) -> None:
        self._codec = codec
        self.name: str = str(getattr(codec, "name", None) or getattr(codec, "__name__", None) or type(codec).__name__)
        # The caller chose this object, which is the consent that ``safe`` asks for, unless it says otherwise itself.
        self.safe: bool = bool(getattr(codec, "safe", True))
        self.dumps: Any = codec.dumps
        self.loads: Any = codec.loads

    def __repr__(self) -> str:
        return repr(self._codec)

    def __reduce__(self) -> tuple[Any, ...]:
        return _Adapted, (self._codec,)


def get_codec(codec: str | object) -> ValueCodec:
    """Return a codec by its name, or an object with ``dumps`` and ``loads`` as a codec.

    Parameters
    ----------
    codec : str or object
        ``"msgpack"``, ``"json"``, ``"raw"``, ``"text"``, ``"pickle"``, ``"cloudpickle"``, ``"pickle-plain"``, a
        :class:`ValueCodec`, or any object with ``dumps(value) -> bytes`` and ``loads(bytes) -> value``. The latter
        counts as safe unless its ``safe`` attribute is false.

    Returns
    -------
    ValueCodec
        The codec.

    Raises
    ------
    CodecError
        There is no codec of that name, or the object is none (a class has to be called first).
    """
    if isinstance(codec, str):
        if codec not in _BUILTIN:
            raise CodecError(f"there is no codec {codec!r}: use one of {', '.join(_BUILTIN)}, or a codec object")
        return _BUILTIN[codec]
    if isinstance(codec, type):
        raise CodecError(f"a codec is an object, not a class: give {codec.__name__}() instead of {codec.__name__}")
    if not (callable(getattr(codec, "dumps", None)) and callable(getattr(codec, "loads", None))):
        raise CodecError(f"{codec!r} is no codec: it has no dumps and loads; the names are {', '.join(_BUILTIN)}")
    return codec if isinstance(codec, ValueCodec) else _Adapted(codec)
