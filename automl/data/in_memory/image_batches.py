"""Images that a Python program holds as one batch, read in blocks. N images, H × W pixels, C channels.

Nothing is copied but the block at hand, so a memory-mapped array of any size will do.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from automl.data.decoding.arrays import blocks_of
from automl.data.in_memory.batch_shapes import in_words, shape_of_batch, shape_of_tensors
from automl.errors import ArrayError

NUMBERS = "buif"
"""Kinds of numpy's types that pixels may have: booleans, whole and floating-point numbers."""
WIDEST_FLOAT = 8


class ImageBatch(Protocol):
    """N images of one shape and type."""

    @property
    def shape_NHWC(self) -> tuple[int, int, int, int]:  # noqa: N802 a shape's letters
        """Sides of the batch."""
        ...

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the pixels, little-endian."""
        ...

    def blocks(self) -> Iterator[npt.NDArray[Any]]:
        """Consecutive images, N × H × W × C, contiguous and of this type.

        Raises: ArrayError for pixels that are no finite numbers.
        """
        ...


@dataclass(frozen=True)
class ArrayBatch:
    """An array, or a list of arrays of one shape."""

    images: Any
    """N × H × W (× C), a numpy array or a torch tensor; or N arrays."""
    shape_NHWC: tuple[int, int, int, int]
    dtype: np.dtype[Any]
    name: str
    """What a message calls them."""
    channels_first: bool = False
    """Whether each image is C × H × W."""

    def blocks(self) -> Iterator[npt.NDArray[Any]]:
        """As `ImageBatch` says."""
        for rows in blocks_of(self.shape_NHWC):
            taken = as_numpy(self.images[rows])
            block_NHWC = np.moveaxis(taken, 1, -1) if self.channels_first else taken
            shape_NHWC = (rows.stop - rows.start, *self.shape_NHWC[1:])
            block_NHWC = np.ascontiguousarray(block_NHWC.reshape(shape_NHWC), self.dtype)
            check_finite(block_NHWC, first=rows.start, name=self.name)
            yield block_NHWC


def take_array(images: Any, *, name: str) -> ArrayBatch:
    """A numpy array, a torch tensor, or what numpy makes an array of, as a batch.

    Raises: ArrayError if it is no batch of images, or its pixels are no numbers.
    """
    if is_tensor(images):
        shape_NHWC = shape_of_tensors(tuple(images.shape), name=name)
        dtype = as_numpy(images[:0]).dtype
        return ArrayBatch(images, shape_NHWC, _stored_type(dtype, images.shape, name), name, images.ndim == 4)
    if hasattr(images, "tocsr"):
        raise ArrayError(f"{name} is a sparse matrix, and images are dense arrays. Give {name}.toarray(), reshaped.")
    array = as_numpy(images)
    dtype = _stored_type(array.dtype, array.shape, name)
    return ArrayBatch(array, shape_of_batch(array.shape, name=name), dtype, name)


def take_arrays(images: Sequence[Any], *, name: str) -> ArrayBatch:
    """A list of arrays or tensors of one shape as a batch.

    Raises: ArrayError if they differ in their shape or type, or are no images.
    """
    first = as_numpy(images[0])
    for number, image in enumerate(images):
        array = as_numpy(image)
        if (array.shape, array.dtype) != (first.shape, first.dtype) or is_tensor(image) != is_tensor(images[0]):
            raise ArrayError(
                f"{name}[{number}] is {in_words(array.shape)} of {array.dtype}, and {name}[0] is "
                f"{in_words(first.shape)} of {first.dtype}: arrays in a list are of one shape and type. Bring them to "
                "one, or give PIL images, which may differ in their size."
            )
    shape, channels_first = (len(images), *first.shape), is_tensor(images[0]) and first.ndim == 3
    shape_NHWC = (shape_of_tensors if channels_first else shape_of_batch)(shape, name=name)
    return ArrayBatch(_Stacked(images), shape_NHWC, _stored_type(first.dtype, shape, name), name, channels_first)


@dataclass(frozen=True)
class _Stacked:
    """A list of arrays, of which a slice is one array."""

    images: Sequence[Any]

    def __getitem__(self, rows: slice) -> npt.NDArray[Any]:
        return np.stack([as_numpy(image) for image in self.images[rows]])


def check_finite(block: npt.NDArray[Any], *, first: int, name: str) -> None:
    """Raise: ArrayError if a pixel is no finite number; `first`: index of the block's first image."""
    if block.dtype.kind != "f":
        return
    wrong_N = ~np.isfinite(block).reshape(len(block), -1).all(axis=1)
    if wrong_N.any():
        raise ArrayError(
            f"{name} has NaN or infinity in it (first: {name}[{first + int(wrong_N.argmax())}]). "
            "Leave these images out, or replace the pixels: numpy.nan_to_num does."
        )


def is_tensor(value: object) -> bool:
    """Whether it is a torch tensor; torch is not imported for it."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def as_numpy(value: Any) -> npt.NDArray[Any]:
    """The value as numpy has it; a tensor of another device or of bfloat16 too.

    Raises: ArrayError if its parts make no array.
    """
    if is_tensor(value):
        tensor = value.detach().cpu()
        is_known = not tensor.is_floating_point() or tensor.element_size() != 2
        return np.asarray(tensor.numpy() if is_known else tensor.float().numpy())
    try:
        return np.asarray(value)
    except (ValueError, TypeError) as error:  # lists of many lengths
        raise ArrayError(f"{type(value).__name__} makes no array of images: {error}. Give one array.") from error


def _stored_type(dtype: np.dtype[Any], shape: Sequence[int], name: str) -> np.dtype[Any]:
    """Little-endian, and of at most 64 bits."""
    if dtype.kind not in NUMBERS:
        raise ArrayError(
            f"{name} is {in_words(shape)} of {dtype}: pixels are numbers. Give uint8, or float from 0 to 1; "
            "or lists of PIL images or paths."
        )
    return np.dtype(np.float64) if dtype.kind == "f" and dtype.itemsize > WIDEST_FLOAT else dtype.newbyteorder("<")
