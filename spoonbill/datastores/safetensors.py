"""The tensor stores by one name, and dicts of tensors as bytes."""

from spoonbill.codecs.safetensors import deserialize, serialize
from spoonbill.datastores.safetensors_in_memory_store import SafetensorsInMemoryStore
from spoonbill.datastores.safetensors_lmdb_store import SafetensorsLmdbStore
from spoonbill.datastores.safetensors_store import SafetensorsStore

__all__ = ["SafetensorsInMemoryStore", "SafetensorsLmdbStore", "SafetensorsStore", "deserialize", "serialize"]
