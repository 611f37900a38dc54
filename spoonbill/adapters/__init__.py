"""Any store as what other libraries ask for; each adapter needs the library that it is for."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from spoonbill.errors import MissingExtraError

if TYPE_CHECKING:
    from spoonbill.adapters.key_value import KeyValueAdapter as KeyValueAdapter

__all__ = ["KeyValueAdapter"]

if not TYPE_CHECKING:  # so that a type checker finds a wrong name

    def __getattr__(name: str) -> Any:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        try:
            return import_module("spoonbill.adapters.key_value").KeyValueAdapter
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] != "key_value":
                raise
            raise MissingExtraError(
                "KeyValueAdapter needs py-key-value: pip install 'spoonbill-framework[key-value]'"
            ) from error
