"""What ``keys()``, ``values()`` and ``items()`` return: views, and lazy searches."""

from collections.abc import Callable, ItemsView, Iterator, KeysView, ValuesView
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from spoonbill.common.equality import python_equal

if TYPE_CHECKING:
    from spoonbill.store.mapping import Store

K = TypeVar("K")
V = TypeVar("V")
T_co = TypeVar("T_co", covariant=True)


class StoreKeysView(KeysView[K]):
    """The keys of a store, as they are now."""

    _mapping: "Store[K, Any]"

    def __iter__(self) -> Iterator[K]:
        return iter(self._mapping.iter())

    def __repr__(self) -> str:
        return f"{self._mapping!r}.keys()"


class StoreValuesView(ValuesView[V]):
    """The values of a store, as they are now. Iteration reads in batches."""

    _mapping: "Store[Any, V]"

    def __iter__(self) -> Iterator[V]:
        return (value for _, value in self._mapping.entries())

    def __contains__(self, value: object) -> bool:
        return any(python_equal(value, other) for other in self)

    def __repr__(self) -> str:
        return f"{self._mapping!r}.values()"


class StoreItemsView(ItemsView[K, V]):
    """The items of a store, as they are now. Iteration reads in batches."""

    _mapping: "Store[K, V]"

    def __iter__(self) -> Iterator[tuple[K, V]]:
        return iter(self._mapping.entries())

    def __contains__(self, item: object) -> bool:
        if not isinstance(item, tuple) or len(item) != 2:
            return False
        missing = object()
        value = self._mapping.get(item[0], missing)
        return value is not missing and python_equal(value, item[1])

    def __repr__(self) -> str:
        return f"{self._mapping!r}.items()"


class Results(Generic[T_co]):
    """The results of a search: nothing is read before they are iterated, and each iteration searches anew.

    Parameters
    ----------
    search : callable
        Starts the search and returns an iterator over what it finds.
    description : str
        What is searched, for ``repr``.
    """

    def __init__(self, search: Callable[[], Iterator[T_co]], description: str) -> None:
        self._search = search
        self._description = description

    def __iter__(self) -> Iterator[T_co]:
        return self._search()

    def first(self, default: Any = None) -> Any:
        """Return the first result, `default` where nothing is found. No more is read than the search needs for it."""
        return next(iter(self), default)

    def __repr__(self) -> str:
        return f"<{self._description}>"
