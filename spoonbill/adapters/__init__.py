"""Any store as what other libraries ask for; each adapter needs the library that it is for."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from spoonbill.adapters.lifespan import lifespan
from spoonbill.errors import MissingExtraError

if TYPE_CHECKING:
    from spoonbill.adapters.key_value import KeyValueAdapter as KeyValueAdapter
    from spoonbill.adapters.langchain import LangChainAdapter as LangChainAdapter
    from spoonbill.adapters.langgraph import LangGraphAdapter as LangGraphAdapter

__all__ = ["KeyValueAdapter", "LangChainAdapter", "LangGraphAdapter", "lifespan"]

_ADAPTERS = {
    "KeyValueAdapter": ("key_value", "key_value", "py-key-value", "key-value"),
    "LangChainAdapter": ("langchain", "langchain_core", "langchain-core", "langchain"),
    "LangGraphAdapter": ("langgraph", "langgraph", "langgraph-checkpoint", "langchain"),
}
"""For each its module, the package that it imports, what that is called, and the extra."""

if not TYPE_CHECKING:  # so that a type checker finds a wrong name

    def __getattr__(name: str) -> Any:
        if name not in _ADAPTERS:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        module, package, library, extra = _ADAPTERS[name]
        try:
            return getattr(import_module(f"spoonbill.adapters.{module}"), name)
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] != package:
                raise
            raise MissingExtraError(f"{name} needs {library}: pip install 'spoonbill-framework[{extra}]'") from error
