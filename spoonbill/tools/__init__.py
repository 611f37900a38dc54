"""Small tools over any store: remembering what a function returned, and locks."""

from spoonbill.tools.locking import lock
from spoonbill.tools.memoizing import memoize

__all__ = ["lock", "memoize"]
