"""When items expire, and how the service is told to remove them."""

import logging
import math
from typing import Any

from spoonbill.backends.dynamodb.errors import codes_of
from spoonbill.backends.dynamodb.expressions import Expressions, Operand, Token, path
from spoonbill.backends.dynamodb.table import Table
from spoonbill.backends.dynamodb.wire import to_wire
from spoonbill.backends.shared.documents import EXPIRY, REMOVAL, now, seconds_left

__all__ = ["alive", "expiring_until", "key_and_end", "let_remove", "take_left"]

_logger = logging.getLogger("spoonbill.repairs")
_REFUSED = {"AccessDeniedException", "UnknownOperationException", "ValidationException"}


def alive() -> tuple[Token, ...]:
    """Return the condition that an item has not expired; an attribute that is no number tells nothing."""
    return ("NOT ", *path(EXPIRY), " <= ", Operand(to_wire(now())))


def expiring_until(document: dict[str, Any], end: float) -> dict[str, Any]:
    """Return a document that expires at a moment: exactly so for us, at its next whole second for the service."""
    return {**document, EXPIRY: end, REMOVAL: math.ceil(end)}


def let_remove(table: Table, name: str) -> None:
    """Let the service remove what has expired, where that is allowed and nobody chose another attribute."""
    try:
        described = table.client.describe_time_to_live(TableName=table.name)["TimeToLiveDescription"]
        if described.get("TimeToLiveStatus", "DISABLED") == "DISABLED":
            wanted = {"Enabled": True, "AttributeName": REMOVAL}
            table.client.update_time_to_live(TableName=table.name, TimeToLiveSpecification=wanted)
        elif described.get("AttributeName") != REMOVAL:
            _logger.warning(
                "%s: the table removes items by the attribute %r; what expires here is absent, but nobody removes it",
                name,
                described.get("AttributeName"),
            )
    except Exception as error:
        if not _REFUSED & set(codes_of(error)):
            raise
        _logger.warning("%s: the service does not remove what expires here, which is absent all the same", name)


def key_and_end(table: Table, expressions: Expressions) -> str:
    """Return the projection of an item to its key and to when it expires."""
    return expressions.text((*path(table.attribute), ", ", *path(EXPIRY)))


def take_left(fields: dict[str, Any]) -> float | None:
    """Take the expiry out of an item's fields, and return how many seconds are left."""
    fields.pop(REMOVAL, None)
    return seconds_left(fields.pop(EXPIRY))
