"""Objects as bytes and back.

=================  ==================================================================  ====================
name               holds                                                               may run stored bytes
=================  ==================================================================  ====================
``msgpack``        plain and typed values, numpy arrays; each back with its own type   no
``json``           what JSON holds faithfully, as other programs write it              no
``raw``            ``bytes``                                                           no
``text``           ``str``, as UTF-8                                                   no
``pickle``         what pickle holds                                                   **yes**
``cloudpickle``    what pickle and cloudpickle hold                                    **yes**
``pickle-first``   what pickle holds, by reference, and cloudpickle where it must      **yes**
``loose``          what msgpack holds, as msgpack, and a marked pickle for the rest    **yes**
``loose-json``     what json holds, as JSON, and a marked pickle for the rest          **yes**
``pickle-plain``   plain builtin values, as a pickle that :mod:`shelve` reads          no
=================  ==================================================================  ====================

``Safetensors(framework)`` holds tensors and dicts of them, each value as a safetensors file.

A codec never guesses a format from stored bytes, and reads what its earlier versions wrote.
"""

from spoonbill.codecs.base import ValueCodec, get_codec
from spoonbill.codecs.cloudpickle import CloudpickleCodec
from spoonbill.codecs.json import JsonCodec
from spoonbill.codecs.loose import LooseCodec
from spoonbill.codecs.loose_json import LooseJsonCodec
from spoonbill.codecs.msgpack import MsgpackCodec
from spoonbill.codecs.pickle import PickleCodec
from spoonbill.codecs.pickle_first import PickleFirstCodec
from spoonbill.codecs.plain_pickle import PlainPickleCodec
from spoonbill.codecs.raw import RawCodec
from spoonbill.codecs.safetensors.codec import Safetensors
from spoonbill.codecs.text import TextCodec
from spoonbill.common.enums import register_enum

__all__ = [
    "CloudpickleCodec",
    "JsonCodec",
    "LooseCodec",
    "LooseJsonCodec",
    "MsgpackCodec",
    "PickleCodec",
    "PickleFirstCodec",
    "PlainPickleCodec",
    "RawCodec",
    "Safetensors",
    "TextCodec",
    "ValueCodec",
    "get_codec",
    "register_enum",
]
