"""The binding rule: which form of each verb a class uses, resolved once when the class is made.

A class *speaks* of a verb if it defines it or lists it in ``leaves``. The first class in the MRO that speaks has the
word, and its word stands unless a class before it defines a verb that this one rests on: then only the derived form
is sure to agree with that definition. A verb of which nobody speaks is bound to the inner store (in a layer) or
derived (in a backend), again unless something that it rests on is defined.
"""

from enum import Enum
from typing import Any

from spoonbill.store.verbs import RESTS_ON, VERBS


class Form(Enum):
    """How a class answers a verb."""

    DEFINED = "defined"  # by a class of its own
    BOUND = "bound"  # straight to the inner store's verb
    DERIVED = "derived"  # by the contract, from other verbs


def defined_by(cls: type) -> frozenset[str]:
    """Return the verbs that `cls` itself defines; what the rule installed on it does not count."""
    own: frozenset[str] | None = cls.__dict__.get("_defines")
    return own if own is not None else frozenset(VERBS.keys() & cls.__dict__.keys())


def resolve(cls: type, contract: frozenset[type], *, layer: bool) -> dict[str, tuple[Form, Any]]:
    """Resolve every verb of `cls`.

    Parameters
    ----------
    cls : type
        The class being made.
    contract : frozenset of type
        The classes that state the contract and have no word of their own (Store, Layer and their bases).
    layer : bool
        Whether there is an inner store to bind to.

    Returns
    -------
    dict
        For each verb its form and, where it is defined, the function.
    """
    voices = [base for base in cls.__mro__ if base not in contract]
    return {verb: _resolve_verb(verb, voices, layer=layer) for verb in VERBS}


def _resolve_verb(verb: str, voices: list[type], *, layer: bool) -> tuple[Form, Any]:
    for voice in voices:
        defines = defined_by(voice)
        if verb in defines:
            return Form.DEFINED, voice.__dict__[verb]
        if verb in voice.__dict__.get("leaves", ()):
            return Form.BOUND, None
        if RESTS_ON[verb] & defines:
            return Form.DERIVED, None
    return (Form.BOUND if layer else Form.DERIVED), None
