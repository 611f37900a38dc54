"""The safetensors format: tensors of four frameworks as bytes and files, without the errors of a plain use.

The format is that of https://github.com/huggingface/safetensors (section "Format" of its README). Reading and writing
are our own, checked against the library; no framework is imported before it is asked for.
"""

from spoonbill.codecs.safetensors.blobs import deserialize, serialize
from spoonbill.codecs.safetensors.codec import Safetensors
from spoonbill.codecs.safetensors.frameworks import FRAMEWORKS, Framework, get_framework
from spoonbill.codecs.safetensors.header import Header, TensorInfo

__all__ = [
    "FRAMEWORKS",
    "Framework",
    "Header",
    "Safetensors",
    "TensorInfo",
    "deserialize",
    "get_framework",
    "serialize",
]
