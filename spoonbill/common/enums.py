"""The enumerations whose members may be stored: as keys, and as values of the ``msgpack`` codec.

A member is stored as two names, so reading one back needs the class: it has to be registered, never looked up by
importing what a stored byte says.
"""

import enum
from typing import TypeVar

__all__ = ["enum_member", "enum_name", "qualified", "register_enum"]

_E = TypeVar("_E", bound=type[enum.Enum])

_enum_by_name: dict[str, type[enum.Enum]] = {}
_name_by_enum: dict[type[enum.Enum], str] = {}


def qualified(cls: type) -> str:
    """Return a class's full name, as messages and registrations give it."""
    return f"{cls.__module__}.{cls.__qualname__}"


def register_enum(cls: _E, *, name: str | None = None) -> _E:
    """Let members of an enumeration be stored, as keys and by the ``msgpack`` codec. Usable as a decorator.

    Parameters
    ----------
    cls : type of Enum
        The enumeration.
    name : str, optional
        The name under which its members are stored, ``module.qualname`` by default. Give one to stay free to move or
        rename the class.

    Returns
    -------
    type of Enum
        ``cls`` itself.

    Raises
    ------
    TypeError
        ``cls`` is no enumeration.
    ValueError
        The name belongs to another class. The same class defined again (a notebook's cell run twice) takes its place.
    """
    if not (isinstance(cls, type) and issubclass(cls, enum.Enum)):
        raise TypeError(f"register_enum takes a subclass of Enum, not {cls!r}")
    name = qualified(cls) if name is None else name
    holder = _enum_by_name.get(name)
    if holder is not None and holder is not cls:
        if qualified(holder) != qualified(cls):
            raise ValueError(f"the enum name {name!r} belongs to {holder!r}: give register_enum another name=")
        _name_by_enum.pop(holder, None)
    _enum_by_name[name] = cls
    # The name first given stays readable after another is given: what was stored under it must not be lost.
    _name_by_enum[cls] = name
    return cls


def enum_name(member: enum.Enum) -> tuple[str, str]:
    """Return the registered name of a member's class, and the member's own name.

    Raises
    ------
    LookupError
        The class is not registered, or the member has no name of its own (a combination of flags).
    """
    cls = type(member)
    name = _name_by_enum.get(cls)
    if name is None:
        raise LookupError(f"the enumeration {qualified(cls)} is not registered: call spoonbill.register_enum on it")
    if cls.__members__.get(member.name) is not member:
        raise LookupError(f"{member!r} has no name of its own: store its .value")
    return name, member.name


def enum_member(name: str, member: str) -> enum.Enum:
    """Return the member that :func:`enum_name` named.

    Raises
    ------
    LookupError
        No enumeration is registered under that name, or it has no such member.
    """
    cls = _enum_by_name.get(name)
    if cls is None:
        raise LookupError(f"no enumeration is registered as {name!r}: call spoonbill.register_enum on its class")
    if member not in cls.__members__:
        raise LookupError(f"the enumeration {name!r} has no member {member!r}")
    return cls.__members__[member]
