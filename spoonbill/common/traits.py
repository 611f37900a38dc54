"""What a store says of itself as data: its limits and its guarantees."""

from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Limits:
    """What an engine can hold. None means that it sets no limit of its own.

    Attributes
    ----------
    key_bytes : int or None
        The longest key, in bytes as the engine stores it.
    value_bytes : int or None
        The largest value, in bytes as the engine stores it.
    """

    key_bytes: int | None = None
    value_bytes: int | None = None


@dataclass(frozen=True)
class Guarantees:
    """What a store promises, a sentence a row. The documentation's table is generated from these.

    Attributes
    ----------
    threads : str
        Use by several threads at once.
    processes : str
        Use by several processes at once.
    fork : str
        Use on both sides of a fork.
    crash : str
        What a finished write survives.
    iteration : str
        What a loop sees of writes that happen while it runs.
    atomic : str
        For whom ``add``, ``replace`` and ``pop`` are one step.
    """

    threads: str = "safe where the engine is"
    processes: str = "as the engine's"
    fork: str = "as the engine's"
    crash: str = "as the engine's"
    iteration: str = "as the engine's"
    atomic: str = "between add, replace and pop of this process; a plain set may come between"

    def rows(self) -> list[tuple[str, str]]:
        """Return the table's rows as pairs of a name and a sentence."""
        return [(field.name, getattr(self, field.name)) for field in fields(self)]
