"""Formats of an exported model, by the suffix of its file. Imports no torch."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from automl.errors import ModelFileError
from automl.own_files import refuse_foreign

FORMATS = {
    ".pt": "automl's own: loaded by automl.load_model, evaluate and predict",
    ".pt2": "a program of torch.export: runs with torch alone",
    ".onnx": "a graph of ONNX: runs with onnxruntime and others",
}
ONNX_PACKAGES = ("onnx", "onnxscript", "onnxruntime")
"""Packages of the extra `onnx`. The last one runs the file, which is always checked."""


def check_format(path: Path) -> None:
    """Find a mistake before hours are spent.

    Raises: ModelFileError if the ending is unknown, a package for it is missing, or the file cannot be written there;
        SettingsError if the model or its card would overwrite what automl did not write.
    """
    if path.suffix not in FORMATS:
        known, ending = ", ".join(FORMATS), path.suffix or "nothing"
        raise ModelFileError(f"{path} ends in {ending}: the ending picks the format, and known is {known}.")
    if path.is_dir():
        raise ModelFileError(f"{path} is a folder. Give the name of a file that ends in {path.suffix}.")
    if not path.absolute().parent.is_dir():
        folder = path.absolute().parent
        raise ModelFileError(f"{path}: there is no folder {folder}. Create it, or choose another place.")
    missing = [name for name in ONNX_PACKAGES if find_spec(name) is None]
    if path.suffix == ".onnx" and missing:
        raise ModelFileError(
            f"{path} needs {', '.join(missing)}, not installed here. Install with: pip install 'optuna-automl[onnx]'"
        )
    for file in (path, card_path(path)):
        refuse_foreign(file, option="--export")


def card_path(model: Path) -> Path:
    """Where the card of a model file is written."""
    return model.with_suffix(".md")
