"""The base of the named stores: a recipe that is opened by its engine's own words."""

from collections.abc import Callable
from typing import Any, ParamSpec, Self, TypeVar

from spoonbill.common.generics import K, V
from spoonbill.store.layering.layer import Layer
from spoonbill.store.names import naming_init

P = ParamSpec("P")
S = TypeVar("S")

MYPY = False
"""True for mypy alone, which loses the type parameters of a generic class that is taken as a callable."""


class NamedStore(Layer[K, V]):
    """A prebuilt stack. Every verb is the stack's own, so the name costs nothing.

    Errors name this store, with the arguments that it was opened with, whichever store inside it raised them.
    """

    is_recipe = True

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "__init__" in cls.__dict__:
            setattr(cls, "__init__", naming_init(cls.__init__))  # noqa: B010 - no other class's, and of the same type

    if MYPY:

        @classmethod
        def open(cls, *arguments: Any, **options: Any) -> Self:  # pyright: ignore[reportRedeclaration]
            """Open the store. The same as calling the class, with the same arguments."""
            return cls(*arguments, **options)

    else:

        @classmethod
        def open(cls: Callable[P, S], *arguments: P.args, **options: P.kwargs) -> S:
            """Open the store. The same as calling the class, with the same arguments."""
            return cls(*arguments, **options)
