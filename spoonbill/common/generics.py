"""The type parameters of stores, keys, values and defaults: Any where a program does not say what a store holds."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # defaults of type parameters are for type checkers alone, which know typing_extensions
    from typing_extensions import TypeVar

    K = TypeVar("K", default=Any)
    V = TypeVar("V", default=Any)
    D = TypeVar("D")
    StrKey = TypeVar("StrKey", bound=str, default=str)
else:
    from typing import TypeVar

    K = TypeVar("K")
    V = TypeVar("V")
    D = TypeVar("D")
    StrKey = TypeVar("StrKey", bound=str)

__all__ = ["D", "K", "StrKey", "V"]
