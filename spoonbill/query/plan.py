"""How a stack would run a search: what ``explain()`` returns."""

from dataclasses import dataclass, replace

__all__ = ["Plan", "Step"]


@dataclass(frozen=True)
class Step:
    """What becomes of the query at one store of the stack.

    Attributes
    ----------
    where : str
        The store, as it names itself.
    runs : str
        The query that it is asked, or what it does with it.
    drops : str
        What it does not pass on; empty where it passes on everything.
    """

    where: str
    runs: str
    drops: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.runs}" + (f" (keeps back: {self.drops})" if self.drops else "")


@dataclass(frozen=True)
class Plan:
    """The way of a query through a stack.

    Attributes
    ----------
    steps : tuple of Step
        From the outermost store to the engine.
    native : str
        What the engine itself filters by; empty where nothing.
    finished_here : str
        What is tested again in Python on what the engine yields; empty where nothing.
    scanned : str
        What is read to find out.
    """

    steps: tuple[Step, ...] = ()
    native: str = ""
    finished_here: str = ""
    scanned: str = "every entry"

    def behind(self, step: Step, finished_here: str) -> "Plan":
        """Return the plan as a layer around this store sees it: its own step first, and what is tested above it."""
        return replace(self, steps=(step, *self.steps), finished_here=finished_here)

    def __str__(self) -> str:
        lines = [f"{'  ' * depth}{step}" for depth, step in enumerate(self.steps)]
        lines.append(f"by the engine: {self.native or 'nothing'}")
        lines.append(f"in Python:     {self.finished_here or 'nothing'}")
        lines.append(f"reads:         {self.scanned}")
        return "\n".join(lines)
