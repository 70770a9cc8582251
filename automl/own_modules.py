"""Modules of the user's own, from the current folder, which hides neither Python's modules nor installed ones."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType


def import_own(name: str) -> ModuleType:
    """Import a module that is installed or lies in the current folder, which stays importable, as the last of all.

    Raises: whatever the module raises; ImportError if there is none.
    """
    folder = str(Path.cwd())
    if folder not in sys.path:
        sys.path.append(folder)
    return importlib.import_module(name)


def hidden_file(module: ModuleType) -> str:
    """A sentence, after a blank, if the current folder has a module of this name and another was imported; else ''."""
    package, folder = module.__name__.partition(".")[0], Path.cwd()
    own = next((path for path in (folder / f"{package}.py", folder / package) if path.exists()), None)
    origin = getattr(module, "__file__", None) or "Python itself"
    if own is None or Path(origin).resolve().is_relative_to(folder):
        return ""
    return f" It came from {origin}, which goes before {own}: rename yours."
