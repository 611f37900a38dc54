"""Values as native documents, so that other tools see the fields and nothing is lost or redirected.

A dict is a document whose fields stand at the top level. What cannot stand there goes under one reserved field:

==========================================  ========================================================================
value                                       stored as
==========================================  ========================================================================
``{"a": 1}``                                ``{"a": 1}``
a field whose name the engine would misuse  ``{"a": 1, "spoonbill__": {"fields": [{"k": name, "v": value}]}}``
anything but a dict                         ``{"spoonbill__": {"value": value}}``
inside: what the engine cannot hold         ``{"spoonbill__": {tag: text}}``; the tags: ``int float bytes list map
                                            datetime``
==========================================  ========================================================================

A document of any other shape was written by another tool and is read as it is. A user's own field with the reserved
name always goes under it, so reading is unambiguous.
"""

import base64
import binascii
from collections.abc import Callable
from datetime import datetime
from typing import Any, ClassVar, Final

from spoonbill.backends.shared.documents.model import INT64, check_name, check_sound, is_sound, refused
from spoonbill.errors import CodecError

__all__ = ["RESERVED", "DocumentScheme"]

RESERVED: Final = "spoonbill__"
"""The field name that this scheme takes for itself, with all at the top level that begin so."""


class DocumentScheme:
    """The value model of all document stores, and how an engine holds it; an engine's subclass says what differs.

    The model: None, bool, int of 64 bits, float, str without lone surrogates, bytes, list, dict with str keys,
    datetime. An aware datetime keeps its instant and comes back in UTC or with a fixed offset. Anything else is refused
    by name, since a client would quietly turn tuples into lists and ``{1: 2}`` into ``{"1": 2}``.

    Attributes
    ----------
    max_depth : int
        How many lists and dicts the engine lets be nested in each other.
    nests_lists : bool
        Whether a list may be an item of a list.
    native_bytes : bool
        Whether the engine holds bytes.
    own_types : tuple of type
        Types of the engine's client that a document may hold as they are; no other engine takes them.
    own_tags : frozenset of str
        Further names that our writes put under the reserved field of a document (DynamoDB: ``rev``).
    """

    max_depth: ClassVar[int] = 100
    nests_lists: ClassVar[bool] = True
    native_bytes: ClassVar[bool] = True
    own_types: tuple[type, ...] = ()
    own_tags: ClassVar[frozenset[str]] = frozenset()

    def __init__(self) -> None:
        self._dumpers: dict[type, Callable[[Any, int], Any]] = {
            str: self._dump_str,
            int: self._dump_int,
            float: self._dump_float,
            bytes: self._dump_bytes,
            list: self._dump_list,
            dict: self._dump_map,
            datetime: self._dump_datetime,
            type(None): _as_it_is,
            bool: _as_it_is,
            **dict.fromkeys(self.own_types, _as_it_is),
        }

    # -- what an engine says -----------------------------------------------------------------------------------

    def stands_at_top(self, name: str) -> bool:
        """Return whether a field of this name may stand at the top level of a document."""
        return not name.startswith(RESERVED)

    def stands_within(self, name: str) -> bool:
        """Return whether a field of this name may stand in a map inside a document."""
        return name != RESERVED

    def holds_int(self, value: int) -> bool:  # noqa: ARG002 - for engines
        """Return whether the engine holds an int of 64 bits as it is."""
        return True

    def holds_float(self, value: float) -> bool:  # noqa: ARG002 - for engines
        """Return whether the engine holds a float as it is."""
        return True

    def native_datetime(self, value: datetime) -> Any:  # noqa: ARG002 - for engines
        """Return what the engine holds for a datetime, or None where it would lose a part of it."""
        return None

    def plain(self, value: Any) -> Any:
        """Return the value for a scalar of a type that only the engine's client has."""
        return value

    # -- writing -----------------------------------------------------------------------------------------------

    def dump(self, value: Any) -> dict[str, Any]:
        """Return the fields of the document for `value`, without its key.

        Raises
        ------
        CodecError
            If the value is outside of the model. Nothing was sent.
        """
        try:
            if type(value) is not dict:
                return {RESERVED: {"value": self._dump(value, 2)}}
            return self._dump_fields(value)
        except RecursionError:
            raise self._too_deep() from None

    def _dump_fields(self, value: dict[Any, Any]) -> dict[str, Any]:
        fields: dict[str, Any] = {}
        moved: list[dict[str, Any]] = []
        dump, stands = self._dump, self.stands_at_top
        for name, item in value.items():
            check_name(name)
            if stands(name):
                fields[name] = dump(item, 1)
            else:
                moved.append({"k": name, "v": dump(item, 4)})
        if moved:
            fields[RESERVED] = {"fields": moved}
        return fields

    def _dump(self, value: Any, depth: int) -> Any:
        dumper = self._dumpers.get(type(value))
        if dumper is None:
            raise refused(value)
        return dumper(value, depth)

    def _dump_str(self, value: str, _: int) -> str:
        if not value.isascii():
            check_sound(value, "a str")
        return value

    def _dump_int(self, value: int, depth: int) -> Any:
        if not -INT64 <= value < INT64:
            raise CodecError(
                f"an int of {value.bit_length()} bits does not fit: document stores hold 64 bits; make it a str"
            )
        return value if self.holds_int(value) else self._wrapped("int", str(value), depth)

    def _dump_float(self, value: float, depth: int) -> Any:
        return value if self.holds_float(value) else self._wrapped("float", repr(value), depth)

    def _dump_bytes(self, value: bytes, depth: int) -> Any:
        return value if self.native_bytes else self._wrapped("bytes", base64.b64encode(value).decode(), depth)

    def _dump_datetime(self, value: datetime, depth: int) -> Any:
        native = self.native_datetime(value)
        return native if native is not None else self._wrapped("datetime", value.isoformat(), depth)

    def _wrapped(self, tag: str, text: str, depth: int) -> dict[str, Any]:
        """Return two maps, one in the other, around the text for a value that the engine does not hold."""
        if depth + 1 >= self.max_depth:
            raise self._too_deep()
        return {RESERVED: {tag: text}}

    def _dump_list(self, value: list[Any], depth: int) -> list[Any]:
        if depth >= self.max_depth:
            raise self._too_deep()
        if self.nests_lists:
            return [self._dump(item, depth + 1) for item in value]
        return [
            {RESERVED: {"list": self._dump_list(item, depth + 3)}}
            if type(item) is list
            else self._dump(item, depth + 1)
            for item in value
        ]

    def _dump_map(self, value: dict[Any, Any], depth: int) -> dict[str, Any]:
        if depth >= self.max_depth:
            raise self._too_deep()
        for name in value:
            check_name(name)
        if all(map(self.stands_within, value)):
            return {name: self._dump(item, depth + 1) for name, item in value.items()}
        if depth + 3 >= self.max_depth:  # two maps, a list, and in it a map for each field
            raise self._too_deep()
        return {RESERVED: {"map": [{"k": name, "v": self._dump(item, depth + 4)} for name, item in value.items()]}}

    def _too_deep(self) -> CodecError:
        return CodecError(
            f"it is nested too deeply: the engine holds {self.max_depth} levels of lists and dicts; flatten it, or "
            "keep the inner part as a str or bytes"
        )

    # -- reading -----------------------------------------------------------------------------------------------

    def load(self, fields: dict[str, Any]) -> Any:
        """Return the value of a document, given its fields without its key."""
        ours = fields.get(RESERVED)
        if ours is not None and (own := self._own_part(ours)) is not None:
            if "value" in own:
                if len(fields) == 1:
                    return self._load(own["value"])
            elif (moved := _named(own.get("fields", []))) is not None:
                value = {name: self._load(item) for name, item in fields.items() if name != RESERVED}
                value.update((name, self._load(item)) for name, item in moved)
                return value
        return {name: self._load(item) for name, item in fields.items()}

    def _own_part(self, ours: Any) -> dict[str, Any] | None:
        """Return what is ours under the reserved field; None where another tool wrote it."""
        if type(ours) is not dict:
            return None
        own = {tag: part for tag, part in ours.items() if tag not in self.own_tags}
        if len(own) == 1:
            return own if "value" in own or "fields" in own else None
        return own if not own and ours else None

    def _load(self, value: Any) -> Any:
        kind = type(value)
        if kind in _PLAIN:
            return value
        if kind is dict:
            if len(value) == 1 and RESERVED in value:
                return self._load_wrapped(value)
            return {name: self._load(item) for name, item in value.items()}
        if kind is list:
            return [self._load(item) for item in value]
        return self.plain(value)

    def _load_wrapped(self, value: dict[str, Any]) -> Any:
        inner = value[RESERVED]
        if type(inner) is dict and len(inner) == 1:
            ((tag, part),) = inner.items()
            if tag == "map" and (pairs := _named(part)) is not None:
                return {name: self._load(item) for name, item in pairs}
            if tag == "list" and type(part) is list:
                return [self._load(item) for item in part]
            if tag in _FROM_TEXT and type(part) is str:
                try:
                    return _FROM_TEXT[tag](part)
                except (ValueError, binascii.Error):
                    pass  # another tool's, which only looks like ours
        return {RESERVED: self._load(inner)}

    # -- what a search may rely on -----------------------------------------------------------------------------

    def is_simple(self, value: Any) -> bool:
        """Return whether every value that is equal to `value` is stored in one way, which an engine can compare."""
        kind = type(value)
        if kind is str or kind is bytes:
            return self.native_bytes if kind is bytes else is_sound(value)
        if value is None or kind is bool:
            return True
        if kind is int or kind is float:
            return bool(abs(value) < 1 << 53) and self.holds_float(float(value))
        if kind is list:
            return self.nests_lists and all(map(self.is_simple, value))
        if kind is dict:
            return all(
                type(name) is str and is_sound(name) and self.stands_within(name) and self.is_simple(item)
                for name, item in value.items()
            )
        return False


_PLAIN: Final = frozenset({str, int, float, bool, type(None), bytes})

_FROM_TEXT: Final[dict[str, Callable[[str], Any]]] = {
    "int": int,
    "float": float,
    "bytes": lambda text: base64.b64decode(text, validate=True),
    "datetime": datetime.fromisoformat,
}


def _as_it_is(value: Any, _: int) -> Any:
    return value


def _named(pairs: Any) -> list[tuple[str, Any]] | None:
    """Return the pairs of a list of ``{"k": name, "v": value}``; None where it is anything else."""
    if type(pairs) is not list:
        return None
    for pair in pairs:
        if type(pair) is not dict or pair.keys() != {"k", "v"} or type(pair["k"]) is not str:
            return None
    return [(pair["k"], pair["v"]) for pair in pairs]
