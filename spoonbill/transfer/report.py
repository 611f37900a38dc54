"""What a transfer did."""

from dataclasses import dataclass, field
from typing import Any

__all__ = ["Report"]

_EXAMPLES = 10


@dataclass
class Report:
    """What a transfer did, as counts.

    Attributes
    ----------
    copied : int
        Entries that were written.
    deleted : int
        Entries that were removed.
    verified : int
        Entries that were read again and equal.
    different : int
        Entries that were read again and are not equal, or gone.
    examples : list
        The keys of some of those.
    seconds : float
        How long it took.
    """

    copied: int = 0
    deleted: int = 0
    verified: int = 0
    different: int = 0
    examples: list[Any] = field(default_factory=list)
    seconds: float = 0.0

    def differs(self, key: Any) -> None:
        """Count an entry that is not as it should be."""
        self.different += 1
        if len(self.examples) < _EXAMPLES:
            self.examples.append(key)
