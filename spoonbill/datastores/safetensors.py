"""The tensor stores by one name, and dicts of tensors as bytes."""

from spoonbill.codecs.safetensors import deserialize, serialize
from spoonbill.datastores.tensors.safetensors_file import SafetensorsStore
from spoonbill.datastores.tensors.safetensors_in_memory import SafetensorsInMemoryStore
from spoonbill.datastores.tensors.safetensors_lmdb import SafetensorsLmdbStore

__all__ = ["SafetensorsInMemoryStore", "SafetensorsLmdbStore", "SafetensorsStore", "deserialize", "serialize"]
