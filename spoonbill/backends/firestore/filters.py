"""What Firestore is asked to filter by, before it becomes messages of the protocol."""

from dataclasses import dataclass
from typing import Any, Final, Literal

__all__ = ["BY_NAME", "CUT", "Filter", "Test", "cut_bytes", "cut_text"]

CUT: Final = 1400
"""Bytes of a text or bytes that a filter compares: the service's indexes hold 1,500 of them."""

BY_NAME: Final[tuple[str, ...]] = ()
"""The path of a test on the document's name."""


@dataclass(frozen=True)
class Test:
    """One test of a field, or of the name.

    Attributes
    ----------
    path : tuple of str
        Where the field stands; empty for the name.
    sign : str
        ``==``, ``in``, ``null``, ``<``, ``<=``, ``>``, ``>=``, or ``there``. Of the name also ``from`` and ``until``:
        where the answer, in the order of names, begins and before what it ends. They go with equalities of fields,
        which a range of the name does not without an index of the user's.
    operand : object
        What it is compared with; a list for ``in``.
    """

    path: tuple[str, ...]
    sign: str
    operand: Any = None

    def __str__(self) -> str:
        field = "the name" if self.path == BY_NAME else repr(self.path[0] if len(self.path) == 1 else self.path)
        if self.sign in {"there", "null"}:
            return f"{field} is {self.sign}"
        return f"{field} {self.sign} {self.operand!r:.200}"


@dataclass(frozen=True)
class Filter:
    """What is asked of Firestore.

    Attributes
    ----------
    kind : {"equal", "range", "key", "part"}
        Equalities of any fields, which its indexes can combine; the ranges of one field or of the name, which stand
        alone; one document by its name; or a range of names, which every answer must be in.
    alternatives : tuple of tuple of Test
        Each is a query.
    rank : int
        Of several filters that cannot be combined, the one with the highest is sent.
    overlapping : bool
        Whether a document can be an answer to two of the alternatives.
    """

    kind: Literal["equal", "range", "key", "part"]
    alternatives: tuple[tuple[Test, ...], ...]
    rank: int = 0
    overlapping: bool = False

    @property
    def by_name(self) -> bool:
        """Whether nothing but names is tested."""
        return all(test.path == BY_NAME for tests in self.alternatives for test in tests)


def cut_text(text: str) -> str | None:
    """Return the beginning of a text that is too long for an index; None where the text is short enough."""
    if len(text) * 4 <= CUT:
        return None
    data = text.encode()
    return None if len(data) <= CUT else data[:CUT].decode(errors="ignore")


def cut_bytes(data: bytes) -> bytes | None:
    """Return the beginning of bytes that are too many for an index; None where they are few enough."""
    return None if len(data) <= CUT else data[:CUT]
