"""What the document stores share: how a value becomes a document, keys become names, and searches become filters.

A room below the backends: it knows the contract and no engine. An engine is a `DocumentEngine` with a
`DocumentScheme` (values), a `KeyEscape` (keys, where the engine cannot hold every string) and a `Pushdown` (searches).
"""

from spoonbill.backends.shared.documents.backend import DocumentBackend
from spoonbill.backends.shared.documents.engine import DocumentEngine, UnwrittenError
from spoonbill.backends.shared.documents.escape import KeyEscape
from spoonbill.backends.shared.documents.expiry import EXPIRY, REMOVAL, as_time, end_of, must_expire, now, seconds_left
from spoonbill.backends.shared.documents.json_text import decode_json, encode_json, plain_json
from spoonbill.backends.shared.documents.model import in_utc, is_sound
from spoonbill.backends.shared.documents.pushdown import NOTHING, Path, Pushdown, PushedPart, PushedQuery
from spoonbill.backends.shared.documents.ranges import after_prefix, as_float_range, literal_runs, server_regex
from spoonbill.backends.shared.documents.resource import Resource, readable, writable
from spoonbill.backends.shared.documents.scheme import RESERVED, DocumentScheme
from spoonbill.backends.shared.documents.sql import Filter, SqlPushdown, joined, span, test
from spoonbill.backends.shared.documents.table_backend import TableBackend, TableEngine

__all__ = [
    "EXPIRY",
    "NOTHING",
    "REMOVAL",
    "RESERVED",
    "DocumentBackend",
    "DocumentEngine",
    "DocumentScheme",
    "Filter",
    "KeyEscape",
    "Path",
    "Pushdown",
    "PushedPart",
    "PushedQuery",
    "Resource",
    "SqlPushdown",
    "TableBackend",
    "TableEngine",
    "UnwrittenError",
    "after_prefix",
    "as_float_range",
    "as_time",
    "decode_json",
    "encode_json",
    "end_of",
    "in_utc",
    "is_sound",
    "joined",
    "literal_runs",
    "must_expire",
    "now",
    "plain_json",
    "readable",
    "seconds_left",
    "server_regex",
    "span",
    "test",
    "writable",
]
