"""An asynchronous client behind synchronous calls."""

from collections.abc import Callable, Iterator
from functools import cache
from inspect import isawaitable
from typing import Any

from spoonbill.common.bridging.bridge import wait_for

__all__ = ["Twin", "untwinned"]

_PROTOCOLS = ("__aenter__", "__anext__", "__aiter__")


class Twin:
    """Stands for an object of an asynchronous client, and is used as its synchronous twin is, inside a bridge.

    What a method gives to ``await`` is waited for. Objects of the client's own modules, and those for ``async with``
    and ``async for``, are twins too; any other value comes as it is.

    Parameters
    ----------
    target : object
        A client, or what it gave.
    *modules : str
        Where the asynchronous classes are defined.

    Examples
    --------
    >>> import asyncio
    >>> from spoonbill.aio import Twin
    >>> from spoonbill.common.bridging.bridge import drive
    >>> class Client:
    ...     async def get(self, key):
    ...         await asyncio.sleep(0)
    ...         return f"value of {key}"
    >>> asyncio.run(drive(lambda: Twin(Client(), "client").get("a")))
    'value of a'
    """

    __slots__ = ("_modules", "_target")

    def __init__(self, target: Any, *modules: str) -> None:
        self._target = target
        self._modules = modules

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._target, name)
        return self._calling(found) if callable(found) and not self._is_ours(found) else self._twin(found)

    def __getitem__(self, key: Any) -> Any:
        return self._twin(self._target[key])

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        return self._calling(self._target)(*arguments, **options)

    def __iter__(self) -> Iterator[Any]:
        listed = aiter(self._target)
        while True:
            try:
                one = wait_for(anext(listed))
            except StopAsyncIteration:
                return
            yield self._twin(one)

    def __enter__(self) -> Any:
        return self._twin(wait_for(self._target.__aenter__()))

    def __exit__(self, *exc_info: object) -> Any:
        return wait_for(self._target.__aexit__(*exc_info))

    def __repr__(self) -> str:
        return f"Twin({self._target!r})"

    def _calling(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            if options:
                options = {name: untwinned(option) for name, option in options.items()}
            answer = function(*map(untwinned, arguments), **options)
            return self._twin(wait_for(answer) if isawaitable(answer) else answer)

        return call

    def _twin(self, value: Any) -> Any:
        if value is self._target:
            return self
        return Twin(value, *self._modules) if self._is_ours(value) else value

    def _is_ours(self, value: Any) -> bool:
        cls: Any = type(value)
        return _are_ours(cls, self._modules)


@cache
def _are_ours(cls: Any, modules: tuple[str, ...]) -> bool:
    """Return whether objects of a class are to be used through twins."""
    return cls.__module__.startswith(modules) or any(hasattr(cls, name) for name in _PROTOCOLS)


def untwinned(value: Any) -> Any:
    """Return the object that a twin stands for, any other one as it is."""
    return value._target if type(value) is Twin else value  # noqa: SLF001 - its own
