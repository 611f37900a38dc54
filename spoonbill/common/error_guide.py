"""What the errors of an engine's client mean to a user of a store: tables, and one way to read them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

__all__ = ["Code", "ErrorGuide", "kinds_of"]

Code = int | str
"""A code of the engine, or the name of a class of error."""


def kinds_of(error: BaseException) -> list[str]:
    """Return the names of an error's class and of its bases, the nearest first."""
    return [kind.__name__ for kind in type(error).__mro__]


def _no_codes(_: BaseException) -> Iterable[Code]:
    return ()


def _itself(error: BaseException) -> BaseException:
    return error


@dataclass(frozen=True)
class ErrorGuide:
    """Tells for each error of a client whose it is, what to do about it, and whether the engine may have done the call.

    Tables are asked by the engine's codes first and then by the names of the error's class and its bases, so that the
    nearest row counts, and a client need not be imported to be spoken of.

    Attributes
    ----------
    packages : frozenset of str
        The top-level packages whose errors are the client's.
    remedies : mapping of int or str to str
        What the user can do, by code or class.
    otherwise : str
        What the user can do about any other error of the client.
    unanswered : mapping of int or str to bool
        Whether the engine may have done what it was sent, by code or class. False where no row says so.
    too_large : frozenset of int or str
        The codes and classes which say that a value is larger than the engine holds.
    kinds : frozenset of str
        Further classes of error that are the client's, wherever they are defined.
    codes_of : callable
        Returns the engine's codes in an error; for an error that only its text tells apart, a word of the guide's own.
    cause_of : callable
        Returns the error that the engine sent, where the client wrapped it.
    """

    packages: frozenset[str]
    remedies: Mapping[Code, str]
    otherwise: str
    unanswered: Mapping[Code, bool] = field(default_factory=dict)
    too_large: frozenset[Code] = frozenset()
    kinds: frozenset[str] = frozenset()
    codes_of: Callable[[BaseException], Iterable[Code]] = _no_codes
    cause_of: Callable[[BaseException], BaseException] = _itself

    def is_of_client(self, error: BaseException) -> bool:
        """Return whether an error comes from the client or the network, and is no slip of ours or of the caller."""
        cause = self.cause_of(error)
        return (
            type(cause).__module__.partition(".")[0] in self.packages
            or not self.kinds.isdisjoint(kinds_of(cause))
            or not self.kinds.isdisjoint(self.codes_of(cause))
        )

    def is_too_large(self, error: BaseException) -> bool:
        """Return whether an error says that a value is larger than the engine holds."""
        return not self.too_large.isdisjoint(self._rows(error))

    def remedy_for(self, error: BaseException) -> str:
        """Return what the user can do about an error of the client."""
        return next((self.remedies[row] for row in self._rows(error) if row in self.remedies), self.otherwise)

    def is_unanswered(self, error: BaseException) -> bool:
        """Return whether the engine may have done what it was sent, though its answer was lost."""
        return next((self.unanswered[row] for row in self._rows(error) if row in self.unanswered), False)

    def _rows(self, error: BaseException) -> list[Code]:
        """Return the keys by which the tables are asked, the nearest first."""
        cause = self.cause_of(error)
        rows: list[Code] = [*self.codes_of(cause), *kinds_of(cause)]
        return rows if cause is error else [*rows, *self.codes_of(error), *kinds_of(error)]
