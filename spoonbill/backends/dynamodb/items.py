"""Items of DynamoDB: documents with their key, in its own form, and the conditions of writes."""

import os
from collections.abc import Callable
from typing import Any, Final

from spoonbill.backends.dynamodb.errors import is_condition
from spoonbill.backends.dynamodb.expressions import Operand, Token, path
from spoonbill.backends.dynamodb.table import Table
from spoonbill.backends.dynamodb.wire import from_wire, to_wire
from spoonbill.backends.shared.documents import RESERVED
from spoonbill.common.boto import once

__all__ = ["as_item", "client_of", "conditional", "fields_of", "key_item", "name_in", "rev_of", "unchanged"]

_COMPARED = 100
"""How many attributes a swap compares, beside the token; a condition takes some 200."""


CLIENT: Final = 'a low-level client, boto3.client("dynamodb"), or the .meta.client of a resource or a table'
"""What can be handed in."""


def client_of(options: dict[str, Any]) -> Any:
    """Return a low-level client of its own session: the default session is not safe to share between threads."""
    from boto3.session import Session

    return Session().client("dynamodb", **options)


def is_client(client: Any) -> bool:
    """Return whether this is a low-level client for DynamoDB that is called and then answers."""
    from botocore.client import BaseClient

    if not isinstance(client, BaseClient) or "aio" in type(client).__mro__[1].__module__:
        return False
    return bool(client.meta.service_model.service_name == "dynamodb")


def key_item(table: Table, name: Any) -> dict[str, Any]:
    """Return the key of an item by its name."""
    return {table.attribute: to_wire(name)}


def name_in(table: Table, request: dict[str, Any]) -> Any:
    """Return the name in a request of a batch of writes."""
    key = request["PutRequest"]["Item"] if "PutRequest" in request else request["DeleteRequest"]["Key"]
    return from_wire(key[table.attribute])


def fields_of(table: Table, item: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Return the name and the fields of an item."""
    name = from_wire(item.pop(table.attribute))
    return name, {field: from_wire(wire) for field, wire in item.items()}


def as_item(table: Table, name: Any, document: dict[str, Any]) -> dict[str, Any]:
    """Return the item for a document, with a token of this very write, by which a swap sees that it changed."""
    item = {field: to_wire(value) for field, value in document.items()}
    ours = item.get(RESERVED, {"M": {}})
    item[RESERVED] = {"M": {**ours["M"], "rev": {"S": os.urandom(9).hex()}}}
    item[table.attribute] = to_wire(name)
    return item


def rev_of(item: dict[str, Any] | None) -> Any:
    """Return the token of the write that made an item, None where there is none."""
    return (item or {}).get(RESERVED, {}).get("M", {}).get("rev")


def unchanged(table: Table, item: dict[str, Any]) -> tuple[Token, ...]:
    """Return the condition that an item is still the one that was read: by its token, and by the fields that fit."""
    rev = rev_of(item)
    place = path(RESERVED, "rev")
    tokens: list[Token] = [*place, " = ", Operand(rev)] if rev else ["attribute_not_exists(", *place, ")"]
    tokens += [" AND attribute_exists(", *path(table.attribute), ")"]
    for field in list(item)[:_COMPARED]:
        if field not in {table.attribute, RESERVED}:
            tokens += [" AND ", *path(field), " = ", Operand(item[field])]
    return tuple(tokens)


def conditional(call: Callable[[], Any]) -> bool:
    """Make a conditional write, once; return whether its condition held."""
    try:
        with once():
            call()
    except Exception as error:
        if is_condition(error):
            return False
        raise
    return True
