"""What several of these tests use."""

import numpy as np

from spoonbill.datastores import SafetensorsStore

GRID = np.arange(24, dtype="f4").reshape(4, 6)


def python_equal(a, b):
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def file_of(path, **tensors):
    SafetensorsStore.export_safetensors(tensors, path)
    return path
