"""What a store is called in messages: by what the user made, and not by what stands inside it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any

__all__ = ["Name", "current_name", "named", "naming_init"]

Name = tuple[type, tuple[tuple[Any, ...], dict[str, Any]]]
"""The class of a named store, and the arguments that it was made with. No reference to the store: it may go."""

_current: ContextVar[Name | None] = ContextVar("spoonbill_named_store", default=None)

current_name = _current.get
"""Return the name of the recipe that runs now in this thread or task; None where none does."""


@contextmanager
def named(store: Any) -> Iterator[None]:
    """Call every store that is made in this block by the name of `store`; the outermost name counts."""
    if _current.get() is not None:
        yield
        return
    token = _current.set((type(store), store._configuration))  # noqa: SLF001 - one house
    try:
        yield
    finally:
        _current.reset(token)


def naming_init(init: Callable[..., None]) -> Any:
    """Return the ``__init__`` of a recipe, under which all that it makes is called by the recipe's name."""

    @wraps(init)
    def __init__(self: Any, *arguments: Any, **options: Any) -> None:  # noqa: N807 - it takes its place
        with named(self):
            init(self, *arguments, **options)

    return __init__
