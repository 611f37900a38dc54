"""The base of the named stores: a recipe that is opened by its engine's own words."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from spoonbill.common.generics import K, V
from spoonbill.store.layer import Layer

P = ParamSpec("P")
S = TypeVar("S")


class NamedStore(Layer[K, V]):
    """A prebuilt stack. Every verb is the stack's own, so the name costs nothing."""

    is_recipe = True

    @classmethod
    def open(cls: Callable[P, S], *arguments: P.args, **options: P.kwargs) -> S:
        """Open the store. The same as calling the class, with the same arguments."""
        return cls(*arguments, **options)
