"""The base of the named stores: a recipe that is opened by its engine's own words."""

from typing import Any, Self, TypeVar

from spoonbill.store.layer import Layer

K = TypeVar("K")
V = TypeVar("V")


class NamedStore(Layer[K, V]):
    """A prebuilt stack. Every verb is the stack's own, so the name costs nothing."""

    @classmethod
    def open(cls, *arguments: Any, **options: Any) -> Self:
        """Open the store. The same as calling the class."""
        return cls(*arguments, **options)
