"""Formats of an exported model, by the ending of its file; torch is not imported here."""

from __future__ import annotations

from pathlib import Path

from automl.errors import ModelFileError

FORMATS = {".pt": "automl's own: loaded by automl.load_model, evaluate and predict"}


def check_format(path: Path) -> None:
    """Find a mistake before hours are spent.

    Raises: ModelFileError if the ending is unknown, or the file cannot be written there.
    """
    if path.suffix not in FORMATS:
        known, ending = ", ".join(FORMATS), path.suffix or "nothing"
        raise ModelFileError(f"{path} ends in {ending}: the ending picks the format, and known is {known}.")
    if path.is_dir():
        raise ModelFileError(f"{path} is a folder. Give the name of a file that ends in {path.suffix}.")
    if not path.absolute().parent.is_dir():
        folder = path.absolute().parent
        raise ModelFileError(f"{path}: there is no folder {folder}. Create it, or choose another place.")
