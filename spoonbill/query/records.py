"""The fields of a value: of a map, and of an object whose class names its fields."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

__all__ = ["fields_of"]

_NOTHING: Final[Mapping[Any, Any]] = {}


def fields_of(value: Any) -> Mapping[Any, Any]:
    """Return a value's fields by their names; none where it is neither a map nor a record.

    A record is an instance of a dataclass, or of a class of attrs, msgspec or pydantic.
    """
    if isinstance(value, Mapping):
        return value
    kind: Any = type(value)
    names = _names(kind)
    return {name: getattr(value, name) for name in names if hasattr(value, name)} if names else _NOTHING


@lru_cache(maxsize=512)
def _names(kind: Any) -> tuple[str, ...]:
    for attribute in ("__dataclass_fields__", "__struct_fields__", "__pydantic_fields__"):
        fields = getattr(kind, attribute, None)
        if fields is not None:
            return tuple(fields)
    return tuple(one.name for one in getattr(kind, "__attrs_attrs__", ()))
