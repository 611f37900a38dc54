"""What the document stores share: how a value becomes a document, keys become names, and searches become filters.

A room below the backends: it knows the contract and no engine. An engine is a `DocumentBackend` with a
`DocumentScheme` (values), a `KeyEscape` (keys, where the engine cannot hold every string) and a `Narrower` (searches).
"""

from spoonbill.documents.backend import DocumentBackend, ScanPartition
from spoonbill.documents.escape import KeyEscape
from spoonbill.documents.hooks import DocumentHooks, Unwritten
from spoonbill.documents.model import in_utc, is_sound
from spoonbill.documents.narrower import NOTHING, Narrower, Narrowing, Part, Path
from spoonbill.documents.place import Place, readable, writable
from spoonbill.documents.ranges import after_prefix, as_float_range, literal_runs, server_regex
from spoonbill.documents.scheme import RESERVED, DocumentScheme

__all__ = [
    "NOTHING",
    "RESERVED",
    "DocumentBackend",
    "DocumentHooks",
    "DocumentScheme",
    "KeyEscape",
    "Narrower",
    "Narrowing",
    "Part",
    "Path",
    "Place",
    "ScanPartition",
    "Unwritten",
    "after_prefix",
    "as_float_range",
    "in_utc",
    "is_sound",
    "literal_runs",
    "readable",
    "server_regex",
    "writable",
]
