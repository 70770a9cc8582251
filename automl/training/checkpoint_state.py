"""A run's state on disk: complete or absent."""

from __future__ import annotations

import io
import os
import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path

import torch

from automl.errors import TrainingError
from automl.models.tensor_files import ZIP_ERRORS, check_tensor_file
from automl.training.durable_files import flush_folder


def save_checkpoint(state: Mapping[str, object], path: Path) -> None:
    """Write beside, flush to the disk, rename: whoever reads `path` finds the old state or the new one, complete.

    Raises: OSError if the disk is full or the folder is missing; then `path` is as it was.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    # In memory first: torch's own writer answers a full disk with an error that does not say so.
    written = io.BytesIO()
    torch.save(dict(state), written)
    try:
        with beside.open("wb") as file:
            file.write(written.getbuffer())
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    flush_folder(path.parent)


def load_checkpoint(path: Path) -> dict[str, object]:
    """Return a saved state with its tensors on the CPU; nothing in the file is executed.

    Raises: TrainingError if the file is damaged or foreign. FileNotFoundError if there is none.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            check_tensor_file(archive, file_bytes=path.stat().st_size)
        state: object = torch.load(path, map_location="cpu", weights_only=True)
    except (*ZIP_ERRORS, pickle.UnpicklingError) as error:
        raise TrainingError(
            f"{path} is no checkpoint: {_first_line(error)}. Delete it to start that run anew."
        ) from error
    if not isinstance(state, dict):
        raise TrainingError(
            f"{path} is no checkpoint: it holds {type(state).__name__}. Delete it to start that run anew."
        )
    return state


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
