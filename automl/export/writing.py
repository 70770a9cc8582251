"""An exported model as a file of any format: written beside, run beside the model in memory, and only then renamed."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from automl.data.dataset import Split
from automl.data.decoding.pixels import convert
from automl.data.sizing import ImageShape
from automl.errors import ModelFileError
from automl.export.card import ModelCard
from automl.export.export_result import Comparison
from automl.export.model_file import load_model, model_bytes
from automl.export.prediction.model import Model
from automl.export.programs import Run, on_cpu, onnx_bytes, open_onnx, open_torch, torch_bytes
from automl.models.geometry import input_shape
from automl.own_files import refuse_foreign

TOLERANCE = 1e-4
"""Of a probability: float32 sums in another order differ by about 1e-7, a wrong program by far more."""
COMPARED_IMAGES, COMPARED_VALUES = 512, 2**24
"""At most so many images, or pixel values, are run through a new file."""


@dataclass(frozen=True)
class Format:
    """How one kind of file is made, and run again from the disk."""

    content: Callable[[Model], bytes]
    opened: Callable[[Path, Model], Run]


@dataclass(frozen=True)
class Samples:
    """Images that a new file is tried on, in the model's own shape."""

    images_NHWC: npt.NDArray[np.uint8]
    of: str
    """As in Comparison."""


def samples(split: Split, card: ModelCard) -> Samples:
    """Take some images of the validation split, from all over it."""
    count = min(len(split), _most(card.image_shape))
    rows = split.rows_N[np.linspace(0, len(split) - 1, count).astype(np.int64)]
    return Samples(convert(split.images_MHWC[rows], card.image_shape, card.sizing.fit), "validation")


def noise(shape: ImageShape) -> Samples:
    """Make random pixels, for where the data are not at hand."""
    channels, height, width = shape
    count = min(64, _most(shape))
    return Samples(np.random.default_rng(0).integers(0, 256, (count, height, width, channels), np.uint8), "noise")


def write_model(path: Path, model: Model, tried_on: Samples) -> Comparison:
    """Write the file that the ending of `path` asks for, complete and compared with the model in memory, or not at all.

    Raises: ModelFileError if it cannot be written, the network cannot be expressed in this format, or the file gives
        other probabilities than the model in memory. SettingsError if a file is there that automl did not write.
    """
    form = KINDS[path.suffix]
    content = form.content(model)
    beside = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        _write(content, beside)
        comparison = _compare(form.opened(beside, model), model, tried_on)
        if not comparison.largest_difference <= TOLERANCE:  # NaN is refused, too
            raise ModelFileError(
                f"{path} is not written: its probabilities differ from those of the model in memory by up to "
                f"{comparison.largest_difference:.2g} on {comparison.images} images ({tried_on.of}), and allowed is "
                f"{TOLERANCE:g}. {_advice(path, model)}"
            )
        refuse_foreign(path, option="--export")  # again: an hour may have passed
        beside.replace(path)
    except OSError as error:
        raise ModelFileError(
            f"Cannot write {path}: {error.strerror or error}. Free some space there, or choose another place."
        ) from error
    finally:
        beside.unlink(missing_ok=True)
    return comparison


def _write(content: bytes, path: Path) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _compare(run: Run, model: Model, tried_on: Samples) -> Comparison:
    """Ask both about one image alone, and about all of them at once."""
    shapes = [input_shape(member.recipe, model.card.image_shape) for member in model.card.members]
    images_NHWC = tried_on.images_NHWC[: min(map(_most, shapes))]  # fewer where a network enlarges them
    images_NCHW = torch.from_numpy(np.ascontiguousarray(images_NHWC.transpose(0, 3, 1, 2)))
    in_memory = on_cpu(model)
    with torch.no_grad():
        largest = max(
            float((run(images_BCHW) - in_memory(images_BCHW)).abs().max())
            for images_BCHW in (images_NCHW[:1], images_NCHW)
        )
    return Comparison(len(images_NCHW), tried_on.of, largest)


def _most(shape: ImageShape) -> int:
    return min(COMPARED_IMAGES, max(COMPARED_VALUES // math.prod(shape), 2))


def _advice(path: Path, model: Model) -> str:
    if model.card.provenance.builder is None:
        return f"Please report this, with the versions of torch and what else a {path.suffix} needs."
    return (
        f"The network {model.card.provenance.builder} has to compute the same each time: from its inputs and its "
        "state_dict alone, for one image as for many."
    )


def _content_of_ours(model: Model) -> bytes:
    return model_bytes(
        model.card, [member.get_submodule("network").state_dict() for member in model.classifier.members]
    )


def _open_ours(path: Path, model: Model) -> Run:
    again = load_model(path, model=model.card.provenance.builder, tta=model.tta)
    return again.classifier


KINDS: Mapping[str, Format] = {
    ".pt": Format(_content_of_ours, _open_ours),
    ".pt2": Format(torch_bytes, lambda path, _: open_torch(path)),
    ".onnx": Format(onnx_bytes, lambda path, _: open_onnx(path)),
}
