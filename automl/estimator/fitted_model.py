"""The model that a fitted classifier carries: the bytes of its file, so that a pickle needs no other file.

N images, K classes.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from automl.data.in_memory.array_store import items_of, take_images
from automl.data.in_memory.picture_lists import is_picture
from automl.errors import ArrayError, ModelFileError
from automl.export.formats import card_path, check_format

AT_ONCE = 256
"""Pictures that are read together."""


@dataclass
class FittedModel:
    """An exported model without its file."""

    content: bytes
    """The `.pt` file."""
    description: str
    """Its model card, Markdown."""
    builder: str | None
    """`package.module:build` of a network of the user's own."""
    _loaded: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)
    """The loaded model by device."""

    @classmethod
    def read(cls, path: Path, *, builder: str | None) -> FittedModel:
        """The exported model at `path`, with its card."""
        return cls(path.read_bytes(), card_path(path).read_text("utf-8"), builder)

    def on(self, device: str) -> Any:
        """The model, as `automl.load_model` gives it; loaded once.

        Raises: TrainingError if there is no such device; ModelFileError or ModelError as `load_model`.
        """
        if device not in self._loaded:
            from automl.export.model_file import load_model  # torch takes seconds: what is not asked needs none

            with tempfile.TemporaryDirectory(prefix="automl-") as folder:
                path = Path(folder) / "model.pt"
                path.write_bytes(self.content)
                self._loaded = {device: load_model(path, device=device, model=self.builder)}
        return self._loaded[device]

    def probabilities(self, images: Any, *, device: str) -> npt.NDArray[np.float32]:
        """Probabilities, N × K, of arrays as `fit` takes them, or of paths and PIL images.

        Raises: ArrayError if they are no images; DataError if one cannot be read, or its values have no known range.
        """
        model = self.on(device)
        return np.concatenate([model.predict_probabilities(block) for block in _blocks(images)])

    def write(self, path: Path) -> None:
        """Write the model in the format of the path's ending, and its card beside it.

        Raises: ModelFileError if it cannot be written; SettingsError if another file is there.
        """
        check_format(path)
        if path.suffix == ".pt":
            _write(path, self.content)
        else:
            from automl.export.writing import noise, write_model  # torch, as above

            model = self.on("cpu")
            write_model(path, model, noise(model.card.image_shape))
        lines = self.description.split("\n")
        title = next(index for index, line in enumerate(lines) if line.startswith("# "))
        _write(card_path(path), "\n".join([*lines[:title], f"# {path.name}", *lines[title + 1 :]]).encode())

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_loaded": {}}


def _blocks(images: Any) -> Iterator[Any]:
    """Images as the model takes them, some at a time."""
    items = [images] if is_picture(images) else items_of(images)
    if items is not None and len(items) and is_picture(items[0]):
        for item in items:
            if isinstance(item, str | os.PathLike) and Path(item).is_dir():
                raise ArrayError(
                    f"{item} is a folder. Give a list of its images: sorted(Path({str(item)!r}).iterdir())."
                )
        yield from (list(items[first : first + AT_ONCE]) for first in range(0, len(items), AT_ONCE))
    else:
        (batch,) = take_images([images], ["X"])
        yield from batch.blocks()


def _write(path: Path, content: bytes) -> None:
    beside = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        beside.write_bytes(content)
        beside.replace(path)
    except OSError as error:
        raise ModelFileError(
            f"Cannot write {path}: {error.strerror or error}. Free some space there, or choose another place."
        ) from error
    finally:
        beside.unlink(missing_ok=True)
