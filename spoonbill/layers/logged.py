"""Every call in the log."""

import logging
import time
from collections.abc import Callable
from typing import Any, TypeVar

from spoonbill.store import Layer, Store
from spoonbill.store.binding import bind_each
from spoonbill.store.verbs import of_key

__all__ = ["Logged"]

K = TypeVar("K")
V = TypeVar("V")


class Logged(Layer[K, V]):
    """Writes every call of a verb to a logger: the verb, its key and its time, never a value.

    Parameters
    ----------
    store : Store
        Any store.
    logger : logging.Logger, optional
        By default ``spoonbill.calls``.
    level : int, optional
        Of calls that went well; by default DEBUG. One that raised is a WARNING.
    slow : float, optional
        Only calls that took at least so many seconds, and those that raised.

    Examples
    --------
    >>> import logging
    >>> from spoonbill.datastores import InMemoryStore
    >>> store = Logged(InMemoryStore(), level=logging.INFO)
    >>> store["a"] = 1
    """

    def __init__(
        self,
        store: Store[Any, Any],
        logger: logging.Logger | None = None,
        *,
        level: int = logging.DEBUG,
        slow: float = 0.0,
    ) -> None:
        super().__init__(store)
        self._logger = logging.getLogger("spoonbill.calls") if logger is None else logger
        self._level = level
        self._slow = slow
        bind_each(self, self._logging, because="written to the log")

    def _logging(self, verb: str, function: Callable[..., Any]) -> Callable[..., Any]:
        logger, level, slow, clock = self._logger, self._level, self._slow, time.perf_counter
        store = repr(self.inner)

        def logged(*arguments: Any, **options: Any) -> Any:
            start = clock()
            try:
                answer = function(*arguments, **options)
            except Exception as error:
                logger.warning("%s%s in %s raised %s", verb, of_key(verb, arguments), store, type(error).__name__)
                raise
            seconds = clock() - start
            if seconds >= slow:
                logger.log(level, "%s%s in %s took %.6f s", verb, of_key(verb, arguments), store, seconds)
            return answer

        return logged
