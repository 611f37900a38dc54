"""Engines and layers that installed packages add, by entry points ``spoonbill.engines`` and ``spoonbill.layers``."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar

from spoonbill.errors import PluginError
from spoonbill.registry import ENGINES, LAYERS, EngineRow, LayerRow, homes

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = ["all_engines", "all_layers", "find_class"]

Row = TypeVar("Row", EngineRow, LayerRow)
_OURS = "spoonbill-framework"


@cache
def all_engines() -> tuple[EngineRow, ...]:
    """Return the rows of every engine: spoonbill's own, then those of installed packages.

    The packages are looked at once a process, when this is first called.

    Raises
    ------
    PluginError
        If an entry point names no `EngineRow`, or a row whose name, scheme or class is taken.

    Examples
    --------
    >>> "lmdb" in {row.name for row in all_engines()}
    True
    """
    return _joined("spoonbill.engines", EngineRow, ENGINES)


@cache
def all_layers() -> tuple[LayerRow, ...]:
    """Return the rows of every layer: spoonbill's own, then those of installed packages.

    Raises
    ------
    PluginError
        If an entry point names no `LayerRow`, or a row whose name or class is taken.

    Examples
    --------
    >>> "cached" in {row.name for row in all_layers()}
    True
    """
    return _joined("spoonbill.layers", LayerRow, LAYERS)


def find_class(package: str, name: str, own: Mapping[str, str], installed: Callable[[], Iterable[str]]) -> Any:
    """Import a class that a package of spoonbill offers: what the package's ``__getattr__`` returns.

    Parameters
    ----------
    package, name : str
        Who is asked, and for what.
    own : mapping
        Where the package's own classes live, by their names.
    installed : callable
        Returns the ``"module:Class"`` of every class of that kind, those of installed packages among them. It is asked
        where `own` has none, and for names that begin as a class's does: a look for a module asks no other package.

    Raises
    ------
    AttributeError
        If there is none of that name.
    PluginError
        If a row of an installed package is refused.
    """
    where = own.get(name)
    if where is None and name[:1].isupper():
        where = homes(installed()).get(name)
    if where is None:
        raise AttributeError(f"module {package!r} has no attribute {name!r}")
    return getattr(import_module(where.partition(":")[0]), name)


def _joined(group: str, kind: type[Row], ours: tuple[Row, ...]) -> tuple[Row, ...]:
    from importlib.metadata import entry_points  # a fifth of the time that `import spoonbill` takes

    owners = {claim: _OURS for row in ours for claim in _claims(row)}
    rows = list(ours)
    for point in sorted(entry_points(group=group), key=lambda point: (_package(point), point.name)):
        row = _load_row(point, kind)
        package = _package(point)
        for claim in _claims(row):
            if claim in owners:
                raise PluginError(
                    f"{package} adds the {claim} ({group}: {point.value}), which {owners[claim]} has: uninstall one of "
                    f"them, or ask the authors of {package} for another name"
                )
            owners[claim] = package
        rows.append(row)
    return tuple(rows)


def _claims(row: EngineRow | LayerRow) -> Iterator[str]:
    """Yield what only one package can have."""
    if isinstance(row, LayerRow):
        yield f"layer {row.name!r}"
        yield f"layer class {_class_name(row.layer)!r}"
        return
    yield f"engine {row.name!r}"
    for scheme in row.schemes:
        yield f"URL scheme {scheme!r}"
    for where in row.stores:
        yield f"store class {_class_name(where)!r}"
    for where in row.backends:
        yield f"backend class {_class_name(where)!r}"


def _class_name(where: str) -> str:
    return where.rpartition(":")[2]


def _package(point: "EntryPoint") -> str:
    return point.dist.name if point.dist is not None else point.module


def _load_row(point: "EntryPoint", kind: type[Row]) -> Row:
    try:
        row = point.load()
    except Exception as error:
        raise PluginError(
            f"{_package(point)} cannot be asked for its row {point.value}: {type(error).__name__}: {error}. "
            "Reinstall it, or uninstall it"
        ) from error
    if not isinstance(row, kind):
        raise PluginError(
            f"{_package(point)} names {point.value} as its row: a {type(row).__name__}, not a {kind.__name__} of "
            "spoonbill.registry: ask its authors"
        )
    return row
