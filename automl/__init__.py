"""automl: an Optuna-driven search for the network and the regularization that classify your images best.

import automl

result = automl.search("photos/", space="default", trials=30, export="model.pt")
model = automl.load_model("model.pt")
model.predict(images)
"""

import sys
from types import ModuleType
from typing import Any

from automl import search as _search_package

__version__ = "0.1.0"
__all__ = ["__version__", "load_model", "search"]


class _CallablePackage(ModuleType):
    """`automl.search` is a package and, by its public name, a function: the package is made callable."""

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        from automl.cli.search_command import search

        return search(*arguments, **options)


sys.modules[_search_package.__name__].__class__ = _CallablePackage


def __getattr__(name: str) -> Any:
    """Import the public functions when they are used: torch takes seconds."""
    if name == "load_model":
        from automl.export.model_file import load_model

        return load_model
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
