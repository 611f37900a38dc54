"""The app that a caller names: what is accepted as one, and what was one once."""

import warnings
from typing import Any

from spoonbill.errors import UnsupportedError

__all__ = ["check_app"]


def check_app(argument: str, app: Any) -> None:
    """Refuse what is no app, such as data in a wrong place; an old client's Stub is one."""
    from modal import App

    if app is None or isinstance(app, App):
        return
    if "Stub" not in type(app).__name__:
        raise UnsupportedError(f"ModalStore: {argument}= takes a modal.App, not {type(app).__name__}; data= takes data")
    warnings.warn(
        "modal.Stub is gone from modal's client: make a modal.App in its place and pass it as app=",
        DeprecationWarning,
        stacklevel=4,
    )
