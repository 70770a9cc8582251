"""Many image files through a model: decoded on all cores, predicted in blocks. N images, H × W pixels, C channels."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from joblib import cpu_count  # type: ignore[import-untyped]
from PIL import Image

from automl.data.decoding.chunks import DAMAGED, reason_of
from automl.data.decoding.pixels import FORMATS, read_header, to_pixels
from automl.errors import DataError
from automl.export.card import ModelCard
from automl.export.prediction.image_files import ImageFile
from automl.export.prediction.model import Model, Prediction

BLOCK_VALUES = 2**26
"""Number of pixel values in memory at once."""
LISTED = 5
"""Number of unreadable files that the error names before it counts the others."""


@dataclass(frozen=True)
class Decoded:
    """One image in the model's shape."""

    pixels_HWC: npt.NDArray[np.uint8]
    converted: bool
    """Whether it was converted from another size or colour."""


@dataclass
class FilePredictions:
    """Predictions of a model for image files."""

    predictions: dict[str, Prediction] = field(default_factory=dict)
    """Predictions by name, in the order of the files."""
    unreadable: dict[str, str] = field(default_factory=dict)
    """Reasons by name."""
    converted: int = 0
    """Number of images of another size or colour than the model's."""


def predict_files(model: Model, files: Sequence[ImageFile]) -> FilePredictions:
    """Predict every file that can be read.

    Raises: DataError if none can.
    """
    found = FilePredictions()
    block = max(BLOCK_VALUES // int(np.prod(model.card.image_shape)), 1)
    with warnings.catch_warnings(), ThreadPoolExecutor(int(cpu_count())) as pool:
        warnings.simplefilter("ignore")  # Pillow's remarks on odd metadata; set for all threads
        for first in range(0, len(files), block):
            _predict_block(model, files[first : first + block], pool, found)
    if not found.predictions:
        raise DataError(
            f"None of {len(files):,} can be read as an image: {listed(found.unreadable)}. Give other files."
        )
    return found


def listed(unreadable: dict[str, str]) -> str:
    """Some of the names with their reasons, and how many more there are."""
    names = [f"{name} ({reason})" for name, reason in list(unreadable.items())[:LISTED]]
    more = len(unreadable) - len(names)
    return ", ".join(names) + (f" and {more:,} more" if more else "")


def _predict_block(model: Model, files: Sequence[ImageFile], pool: Executor, found: FilePredictions) -> None:
    readable: dict[str, Decoded] = {}
    for file, decoded in zip(files, pool.map(lambda file: _decode(file, model.card), files), strict=True):
        if isinstance(decoded, Decoded):
            readable[file.name] = decoded
        else:
            found.unreadable[file.name] = decoded
    if readable:
        pixels_NHWC = np.stack([image.pixels_HWC for image in readable.values()])
        found.predictions.update(zip(readable, model.predict(pixels_NHWC), strict=True))
        found.converted += sum(image.converted for image in readable.values())


def _decode(file: ImageFile, card: ModelCard) -> Decoded | str:
    """Decode the image, or say why it cannot be read."""
    channels, *size = card.image_shape
    try:
        with file.open() as stream, Image.open(stream, formats=FORMATS) as image:
            header = read_header(image)
            converted = [header.height, header.width] != size or header.gray != (channels == 1)
            return Decoded(to_pixels(image, card.image_shape, card.sizing.fit, scale=card.pixel_range), converted)
    except (*DAMAGED, Image.DecompressionBombError) as error:
        return reason_of(error)
