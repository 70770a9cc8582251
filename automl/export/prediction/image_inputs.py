"""Images in any form that people hold them, to pixels of one shape. N images, H × W pixels, C channels.

numpy arrays have their channels last and torch tensors first, as everywhere. What could be meant in two ways is
refused, for a network answers nonsense just as confidently.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image
from torch import Tensor

from automl.data.decoding.chunks import DAMAGED
from automl.data.decoding.deep import is_deep_colour, with_alpha
from automl.data.decoding.pixels import FORMATS, convert, to_pixels
from automl.data.pixel_range import PixelRange
from automl.data.sizing import Fit, ImageShape
from automl.errors import DataError

Picture: TypeAlias = "str | os.PathLike[str] | Image.Image | npt.NDArray[Any] | Tensor"
Pictures: TypeAlias = "Picture | Sequence[Picture]"
Pixels: TypeAlias = npt.NDArray[np.uint8]

CHANNELS = (1, 3, 4)
"""Gray, colour, colour with transparency."""
FORMS = "numpy: H×W, H×W×C, N×H×W or N×H×W×C; torch: H×W, C×H×W or N×C×H×W; with C = 1, 3 or 4"


def as_pixels(pictures: Pictures, shape: ImageShape, fit: Fit = "crop", *, scale: PixelRange | None = None) -> Pixels:
    """Pixels of all pictures, N × H × W × C; those of another shape are brought to it as `fit` says.

    `scale`: of pictures of more than 8 bits, by the training images.

    Raises: DataError if something is no image, or could be read in two ways.
    """
    if isinstance(pictures, np.ndarray | Tensor):
        return convert(_batch(pictures, shape, scale), shape, fit)
    if isinstance(pictures, str | os.PathLike | Image.Image):
        return _one(pictures, shape, fit, scale)[np.newaxis]
    if not isinstance(pictures, Sequence):
        raise DataError(f"{type(pictures).__name__} is no image. {_accepted()}")
    channels, height, width = shape
    pixels_NHWC = np.empty((len(pictures), height, width, channels), np.uint8)
    for position, picture in enumerate(pictures):
        pixels_NHWC[position] = _one(picture, shape, fit, scale)
    return pixels_NHWC


def _one(picture: object, shape: ImageShape, fit: Fit, scale: PixelRange | None) -> Pixels:
    """Pixels of a single picture, H × W × C."""
    if isinstance(picture, str | os.PathLike):
        return _read(Path(picture), shape, fit, scale)
    if isinstance(picture, Image.Image):
        # a copy, because a file's may be read at a fraction of its size; it would lose half of deep colours
        return to_pixels(picture if is_deep_colour(picture) else picture.copy(), shape, fit, scale=scale)
    if isinstance(picture, np.ndarray | Tensor):
        pixels: Pixels = convert(_single(picture, scale), shape, fit)[0]
        return pixels
    raise DataError(f"{type(picture).__name__} is no image. {_accepted()}")


def _read(path: Path, shape: ImageShape, fit: Fit, scale: PixelRange | None) -> Pixels:
    try:
        with Image.open(path, formats=FORMATS) as image:
            return to_pixels(image, shape, fit, scale=scale)
    except FileNotFoundError as error:
        raise DataError(f"There is no image {path}.") from error
    except (*DAMAGED, Image.DecompressionBombError) as error:
        raise DataError(f"{path} cannot be read as an image: {error}") from error


def _single(array: npt.NDArray[Any] | Tensor, scale: PixelRange | None) -> Pixels:
    """One image as a batch of one; inside a list, three dimensions are always those of an image."""
    if isinstance(array, Tensor):
        array = _channels_last(array)
    if array.ndim == 2:
        array = array[..., np.newaxis]
    if array.ndim != 3 or array.shape[2] not in CHANNELS or 0 in array.shape:
        raise DataError(f"An array of shape {_text(array)} is no single image. {_accepted()}")
    return _to_uint8(array, scale)[np.newaxis]


def _batch(array: npt.NDArray[Any] | Tensor, shape: ImageShape, scale: PixelRange | None) -> Pixels:
    """One or many images as N × H × W × C."""
    if isinstance(array, Tensor):
        array = _channels_last(array)
    elif array.ndim == 3:
        array = _with_channels(array, shape)
    if array.ndim == 2:
        array = array[..., np.newaxis]
    if array.ndim == 3:
        array = array[np.newaxis]
    if array.ndim != 4 or array.shape[3] not in CHANNELS or 0 in array.shape[1:]:
        raise DataError(f"An array of shape {_text(array)} is no batch of images{_hint(array)}. {_accepted()}")
    return _to_uint8(array, scale)


def _with_channels(array: npt.NDArray[Any], shape: ImageShape) -> npt.NDArray[Any]:
    """Tell H × W × C, which is returned as it is, from N × H × W, which becomes N × H × W × 1."""
    channels, *size = shape
    colour = array.shape[2] in CHANNELS
    if colour and list(array.shape[1:]) == size:
        raise _two_ways(
            array, "one image H×W×C and many gray ones N×H×W", "array[..., np.newaxis] or array[np.newaxis]"
        )
    if not colour and array.shape[0] == 3 and channels == 3:
        raise _two_ways(
            array, "one image C×H×W and three gray ones N×H×W", "array.transpose(1, 2, 0) or array[..., None]"
        )
    return array if colour else array[..., np.newaxis]


def _channels_last(tensor: Tensor) -> npt.NDArray[Any]:
    if tensor.ndim not in (2, 3, 4) or (tensor.ndim > 2 and tensor.shape[-3] not in CHANNELS):
        raise DataError(
            f"A tensor of shape {_text(tensor)} is no image or batch of images{_hint(tensor)}. {_accepted()}"
        )
    tensor = tensor.detach().cpu()
    array: npt.NDArray[Any] = (tensor.float() if tensor.is_floating_point() else tensor).numpy()
    return np.moveaxis(array, -3, -1) if array.ndim > 2 else array


def _to_uint8(array: npt.NDArray[Any], scale: PixelRange | None) -> Pixels:
    if array.dtype == np.uint8:
        return array
    if array.dtype == np.bool_:
        return array * np.uint8(255)
    floats = np.issubdtype(array.dtype, np.floating)
    if scale is not None and scale.floats == floats:
        return with_alpha(array, scale)
    if not floats:
        raise DataError(f"Pixels of type {array.dtype} have no known range. Give uint8 (0 to 255) or float (0 to 1).")
    low, high = (float(array.min()), float(array.max())) if array.size else (0.0, 0.0)
    if not (low >= 0 and high <= 1):
        raise DataError(
            f"Float pixels go from 0 to 1, and these from {low:g} to {high:g}. Divide them by their largest possible "
            "value, and do not normalize them: the model does."
        )
    pixels: Pixels = np.rint(array * 255).astype(np.uint8)
    return pixels


def _two_ways(array: npt.NDArray[Any], meanings: str, remedy: str) -> DataError:
    return DataError(f"An array of shape {_text(array)} can be {meanings}. Say which with {remedy}.")


def _hint(array: npt.NDArray[Any] | Tensor) -> str:
    """Name the mistake if the channels are where the other library has them."""
    if array.ndim < 3:
        return ""
    if isinstance(array, Tensor):
        return ": its channels seem to be last, so use .movedim(-1, -3)" if array.shape[-1] in CHANNELS else ""
    return ": its channels seem to be first, so use np.moveaxis(array, -3, -1)" if array.shape[-3] in CHANNELS else ""


def _text(array: npt.NDArray[Any] | Tensor) -> str:
    return " × ".join(str(side) for side in array.shape) or "()"


def _accepted() -> str:
    return f"Give paths, PIL images or arrays ({FORMS})."
