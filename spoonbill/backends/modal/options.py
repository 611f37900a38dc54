"""What a store of a Dict can be opened with."""

from typing import Any, TypedDict

__all__ = ["ModalOptions"]


class ModalOptions(TypedDict, total=False):
    """Options of `Modal` and ``ModalStore``.

    Attributes
    ----------
    environment_name : str
        The Dict's environment, the active one by default.
    create : bool
        False: a missing Dict is an error. By default the first call creates it.
    client : modal.Client
        A client of yours, which is never closed.
    timeout : float
        Seconds for which one call may take, those of an unreachable service included; 60 by default.
    """

    environment_name: str | None
    create: bool
    client: Any
    timeout: float
