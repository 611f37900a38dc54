"""How the tests of the document stores reach an engine: what its test class says, and the fixtures."""

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from spoonbill.datastores import InMemoryStore
from spoonbill.store import Store
from tests.contract.documents import samples

EXAMPLES = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors, HealthCheck.too_slow],
)
_numbers = count()


class DocumentFixtures:
    """Inherit it, and write `opened`, `read`, `written` and `watched`.

    Attributes
    ----------
    keeps_float_type : bool
        Whether 1.0 comes back as a float.
    orders_any_types : bool
        Whether the test's server can order a field that holds values of several types, as the real service does.
    ones : str
        The text that stands for a one and more in the store's own dialect.
    """

    keeps_float_type = True
    orders_any_types = True
    ones = "1+"

    @classmethod
    def opened(cls, name: str, **options: Any) -> Store[Any, Any]:
        """Return the named store over the collection or table called `name`."""
        raise NotImplementedError

    @classmethod
    def read(cls, name: str, key: str) -> dict[str, Any] | None:
        """Return the fields of a document as the raw client reads them, without the key."""
        raise NotImplementedError

    @classmethod
    def written(cls, name: str, key: str, fields: dict[str, Any]) -> None:
        """Write a document by the raw client, as another tool would."""
        raise NotImplementedError

    @classmethod
    def watched(cls, name: str) -> tuple[Store[Any, Any], list[dict[str, Any]], list[Any]]:
        """Return a store, a list that fills with the documents that the engine sends it, and one with the requests."""
        raise NotImplementedError

    @pytest.fixture
    def name(self) -> str:
        return f"{type(self).__name__}-{next(_numbers)}"

    @pytest.fixture
    def store(self, name: str) -> Iterator[Store[Any, Any]]:
        with self.opened(name) as store:
            yield store

    @pytest.fixture(scope="class")
    @classmethod
    def searched(cls) -> Iterator[tuple[Store[Any, Any], InMemoryStore[Any, Any]]]:
        """A store and one in memory with the same hostile documents."""
        documents = {f"k{number}": value for number, value in enumerate(samples.SEARCHED)}
        with cls.opened(f"{cls.__name__}-searched") as store:
            store.update(documents)
            store.update({key: {"z": 1} for key in samples.KEYS})
            yield store, InMemoryStore(documents | {key: {"z": 1} for key in samples.KEYS})
