"""Functions that keep nothing alive."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar
from weakref import WeakMethod

__all__ = ["weakly"]

P = ParamSpec("P")
T = TypeVar("T")


def weakly(method: Callable[P, T]) -> Callable[P, T]:
    """Return a function that calls a bound method, and does not keep its object alive.

    What an object holds can then call it back without a cycle of references, in which both would stay, with their
    descriptors, until some later collection. Any other function is returned as it is.

    Examples
    --------
    >>> from spoonbill.common.weak import weakly
    >>> class Owner:
    ...     def __init__(self):
    ...         self.call_back = weakly(self.name)
    ...     def name(self):
    ...         return "owner"
    >>> Owner().call_back
    <function weakly.<locals>.call at ...>
    >>> owner = Owner()
    >>> owner.call_back()
    'owner'
    """
    if getattr(method, "__self__", None) is None or not hasattr(method, "__func__"):
        return method
    held = WeakMethod(method)

    def call(*arguments: P.args, **options: P.kwargs) -> T:
        found = held()
        if found is None:
            raise ReferenceError("its owner is gone")
        return found(*arguments, **options)

    return call
