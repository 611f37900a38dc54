"""Writing a batch of which nothing is written where a pair does not fit, with each value encoded once."""

from collections.abc import Callable, Iterable
from typing import Any

from spoonbill.store import KeyLayer, Layer, Store, ValueLayer
from spoonbill.store.binding import Form

__all__ = ["Writer"]

Pairs = list[tuple[Any, Any]]
Step = Callable[[Iterable[tuple[Any, Any]]], Iterable[tuple[Any, Any]]]


class Writer:
    """Writes batches of pairs to a store.

    What the layers that only encode would do to a pair is done here, once, down to the first store that does more; the
    pairs are tried by its `check` unless its own `set_many` tries all of a batch before it writes.

    Parameters
    ----------
    store : Store
        Where to write.
    """

    def __init__(self, store: Store[Any, Any]) -> None:
        self._store = store
        self._steps, self._below = _steps_of(store)

    def write(self, pairs: Pairs) -> None:
        """Write a batch.

        Raises
        ------
        CodecError, InvalidKeyError, ...
            What a `set` of a pair that does not fit raises; nothing of the batch is written.
        """
        if len(pairs) <= self._below.whole_batch:
            self._store.set_many(pairs)
            return
        for step in self._steps:
            pairs = list(step(pairs))
        for key, value in pairs:
            self._below.check(key, value)
        self._below.set_many(pairs)


def _steps_of(store: Store[Any, Any]) -> tuple[list[Step], Store[Any, Any]]:
    """Return what turns pairs into those of a store further down, and that store."""
    steps: list[Step] = []
    below: Any = store  # a layer of any kind
    while isinstance(below, Layer):
        layer: Any = below
        kind = type(layer)
        if all(below._forms[verb] is Form.BOUND for verb in ("set_many", "check")):  # noqa: SLF001 - of spoonbill's own
            pass
        elif kind.set_many is ValueLayer.set_many and kind.check is ValueLayer.check:
            steps.append(layer._encoded)  # noqa: SLF001 - as above
        elif kind.set_many is KeyLayer.set_many and kind.check is KeyLayer.check:
            steps.append(layer._lowered)  # noqa: SLF001 - as above
        else:
            break
        below = layer.inner
    return steps, below
