"""Objects of a class as plain values, and back: what each kind of class needs for it."""

import dataclasses
import sys
from abc import ABC, abstractmethod
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final, is_typeddict
from uuid import UUID

from spoonbill.errors import MissingExtraError, UnsupportedError

__all__ = ["Model", "model_of"]

_KEPT: Final = (bytes, bytearray, datetime, date, time, timedelta, UUID, Decimal)


class Model(ABC):
    """A class of objects."""

    def __init__(self, kind: Any) -> None:
        self.kind = kind
        self.name: str = getattr(kind, "__name__", repr(kind))

    def holds(self, value: Any) -> bool:
        """Return whether a value is an object of the class, whether it is valid or not."""
        return isinstance(value, self.kind)

    @abstractmethod
    def lower(self, value: Any) -> dict[str, Any]:
        """Return an object as a dict of plain values."""

    @abstractmethod
    def lift(self, data: dict[str, Any]) -> Any:
        """Return the object of a dict; raise ValueError or TypeError where it is not valid."""


class _Pydantic(Model):
    def lower(self, value: Any) -> dict[str, Any]:
        lowered: dict[str, Any] = value.model_dump(round_trip=True, warnings=False)
        return lowered

    def lift(self, data: dict[str, Any]) -> Any:
        return self.kind.model_validate(data)


class _Fields(Model):
    """Dataclasses, classes of attrs, structs and TypedDicts: msgspec knows them all."""

    def __init__(self, kind: Any) -> None:
        super().__init__(kind)
        try:
            import msgspec
        except ImportError as error:
            raise MissingExtraError(
                f"Typed needs the msgspec library for {self.name}: pip install 'spoonbill-framework[typed]'"
            ) from error
        self._lower, self._lift = msgspec.to_builtins, msgspec.convert
        self._is_dict = is_typeddict(kind)

    def holds(self, value: Any) -> bool:
        return isinstance(value, dict) if self._is_dict else super().holds(value)

    def lower(self, value: Any) -> dict[str, Any]:
        lowered: dict[str, Any] = self._lower(value, builtin_types=_KEPT)
        return lowered

    def lift(self, data: dict[str, Any]) -> Any:
        return self._lift(data, self.kind, builtin_types=_KEPT)


class _Attrs(_Fields):
    def lift(self, data: dict[str, Any]) -> Any:
        lifted = super().lift(data)
        import attrs

        attrs.validate(lifted)
        return lifted


def model_of(kind: Any) -> Model:
    """Return what turns objects of a class to plain values and back.

    Raises
    ------
    UnsupportedError
        If the class is of no kind that tells its fields.
    MissingExtraError
        If the library for its kind is not installed.
    """
    pydantic = sys.modules.get("pydantic")  # a class of it was made, so it was imported
    if pydantic is not None and isinstance(kind, type) and issubclass(kind, pydantic.BaseModel):
        return _Pydantic(kind)
    if hasattr(kind, "__attrs_attrs__"):
        return _Attrs(kind)
    if isinstance(kind, type) and (
        dataclasses.is_dataclass(kind) or hasattr(kind, "__struct_fields__") or is_typeddict(kind)
    ):
        return _Fields(kind)
    raise UnsupportedError(
        f"Typed takes a pydantic model, a dataclass, a class of attrs, a msgspec struct or a TypedDict, not {kind!r}"
    )
