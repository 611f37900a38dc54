"""How long a path, and so a key, may be below a root."""

from spoonbill.common.traits import Limits
from spoonbill.filesystems.names import LONGEST_PART

_LONGEST_LOCAL = 4095


def longest_path(limits: Limits, root: str) -> int:
    """Return how many bytes a whole path may have; the service counts behind the bucket's name."""
    return _LONGEST_LOCAL if limits.key_bytes is None else limits.key_bytes + len(root.partition("/")[0].encode()) + 1


def limits_below(limits: Limits, root: str) -> Limits:
    """Return the limits of keys below a root: what the root's own name and the folders of long names leave."""
    if limits.key_bytes is None:
        return limits
    left = limits.key_bytes - len(root.partition("/")[2].encode()) - 1
    longest = left
    while longest + 2 * ((longest - 1) // LONGEST_PART) > left:
        longest -= 1
    return Limits(key_bytes=longest, value_bytes=limits.value_bytes)
