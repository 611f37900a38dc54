"""Pickle by reference, and cloudpickle for what pickle cannot hold, for values that are trusted."""

from typing import ClassVar

from spoonbill.codecs.cloudpickle import CloudpickleCodec

__all__ = ["PickleFirstCodec"]


class PickleFirstCodec(CloudpickleCodec):
    """Holds what pickle holds, as pickle holds it, and lambdas and local classes besides, by cloudpickle.

    A class of the running script is stored by its name, as :mod:`shelve` does it: the same script finds its own class
    again in its next run. Loading runs what the stored bytes say: only for data that you trust.
    """

    name: str = "pickle-first"
    _by_value: ClassVar[tuple[bytes, ...]] = (b"__mp_main__",)
