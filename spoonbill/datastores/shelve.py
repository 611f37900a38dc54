"""ShelveStore: a file that the standard library's shelve opens."""

from pathlib import Path

from spoonbill.backends.dbm import Dbm
from spoonbill.common.generics import StrKey, V
from spoonbill.layers.codec import Codec
from spoonbill.store.named import NamedStore


class ShelveStore(NamedStore[StrKey, V]):
    """A shelf kept open: str keys, pickled values, readable by ``shelve.open``.

    Parameters
    ----------
    path : str or Path
        The database.
    strict : bool, optional
        False (the default, as shelve does it) holds anything that pickle or cloudpickle can, and runs what a stored
        pickle says: open only files that you trust. True holds plain builtin values and reads them without running
        anything.
    codec : str or object, optional
        How values are written, if not as shelve does it.
    dbm : str, optional
        Which dbm makes a new file, such as ``"dbm.dumb"``.
    """

    path_options = frozenset({"path"})

    def __init__(
        self,
        path: str | Path,
        *,
        strict: bool = False,
        codec: str | object | None = None,
        dbm: str | None = None,
    ) -> None:
        chosen = codec if codec is not None else "pickle-plain" if strict else "pickle-first"
        super().__init__(Codec(Dbm(path, dbm=dbm), chosen, keys="text", strict=strict))
