"""One address for every store: opening by URL, by a name in a file, and from a description."""

from spoonbill.urls.building import build
from spoonbill.urls.opening import open_store

__all__ = ["build", "open_store"]
