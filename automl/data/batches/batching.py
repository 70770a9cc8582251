"""From a split to batches on the device: pixels stay uint8 until a batch is made of them; there is no loader process.

An epoch is a shuffled order cut into batches. Pixels are fetched and augmented in blocks of several batches: for small
images the cost is in the number of operations, not in the pixels.

B images of a batch, C channels, H × W pixels, K classes, N images of the split.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import psutil
import torch
from torch import Tensor
from torch.nn.functional import one_hot

from automl.data.batches.augmentation import Augmentation, mix
from automl.data.batches.normalization import Normalization
from automl.data.batches.resized_images import ResizedImages, Size
from automl.data.batches.transfer import to_device
from automl.data.dataset import Split

BLOCK_VALUES = 2**20
"""Pixel values of a block: 4 MiB as float32."""
_COPIED_BYTES = 64 * 2**20
_MEMORY_SHARE = 0.4
"""Share of the device's free memory for the pixels of one split; the network needs the rest."""
_HOST_MEMORY_SHARE = 0.1
"""The same for resized pixels on a CPU, where other workers have their own."""
_EVALUATED_BYTES = 128 * 2**20
"""Largest size of a split that is kept resized for evaluation, as float32. The network resizes a larger one itself.

A constant, because the two ways differ in the last bits: a run is the same whatever memory is free.
"""


class SplitImages(Protocol):
    """The pixels of N images, wherever they lie: uint8, or float32 of the same scale where they were resized."""

    device: torch.device
    shape_HWC: tuple[int, int, int]

    def __len__(self) -> int:
        """How many there are."""

    def take(self, positions_B: Tensor) -> Tensor:
        """Return images, B × H × W × C on the device, by their positions in the split (a tensor on the host)."""


class HostImages:
    """Images in an array on the host, usually the memory map of the cache file, fetched as they are needed.

    On a CPU that is all, and the workers share the pages; before a GPU it is for sets larger than its memory.
    """

    def __init__(self, images_MHWC: npt.NDArray[np.uint8], rows_N: npt.NDArray[np.int64], device: torch.device) -> None:
        self.images_MHWC = images_MHWC
        self.rows_N = rows_N
        self.device, self.dtype = device, torch.uint8
        self.shape_HWC: tuple[int, int, int] = images_MHWC.shape[1:]

    def __len__(self) -> int:
        return len(self.rows_N)

    @property
    def taken_bytes(self) -> int:
        """Bytes of one image."""
        return math.prod(self.shape_HWC)

    def take(self, positions_B: Tensor) -> Tensor:
        """Copy these images out of the map and to the device."""
        rows_B = self.rows_N[positions_B.numpy()]
        return to_device(torch.from_numpy(np.take(self.images_MHWC, rows_B, axis=0)), self.device)


class DeviceImages:
    """Images that all lie on the device, copied or resized once."""

    def __init__(self, host: HostImages | ResizedImages) -> None:
        self.device = host.device
        self.shape_HWC = host.shape_HWC
        self.images_NHWC = torch.empty((len(host), *host.shape_HWC), dtype=host.dtype, device=host.device)
        at_once = max(_COPIED_BYTES // host.taken_bytes, 1)
        for start in range(0, len(host), at_once):
            positions = torch.arange(start, min(start + at_once, len(host)))
            self.images_NHWC[start : start + at_once] = host.take(positions)

    def __len__(self) -> int:
        return len(self.images_NHWC)

    def take(self, positions_B: Tensor) -> Tensor:
        """Index these images on the device."""
        return self.images_NHWC.index_select(0, to_device(positions_B, self.device))


@dataclass(frozen=True)
class Batch:
    """What one training step learns from."""

    images_BCHW: Tensor
    """Normalized, augmented, channels-last, in the compute dtype."""
    labels_B: Tensor
    targets: Tensor
    """The labels, or with mixup the probabilities, B × K."""

    def parts(self, count: int) -> list[Batch]:
        """Cut the batch into so many parts, or into fewer of two images, which batch norm needs at least."""
        count = max(min(count, len(self.labels_B) // 2), 1)
        columns = (torch.tensor_split(column, count) for column in (self.images_BCHW, self.labels_B, self.targets))
        return list(itertools.starmap(Batch, zip(*columns, strict=True)))


def open_images(
    split: Split, device: torch.device, *, size: Size | None = None, budget_bytes: int | None = None
) -> SplitImages:
    """Put the pixels on the device if they fit there, else leave them in the map; batches are the same either way.

    `size`: height and width to which the images are resized, once if the result fits. `budget_bytes` is by default
    40 % of the memory that is free on the device now, and 10 % on a CPU.
    """
    host: HostImages | ResizedImages = HostImages(split.images_MHWC, split.rows_N, device)
    if size is not None and size != host.shape_HWC[:2]:
        host = ResizedImages(split, size, device)
    elif device.type == "cpu":
        return host
    if budget_bytes is None:
        share = _HOST_MEMORY_SHARE if device.type == "cpu" else _MEMORY_SHARE
        budget_bytes = int(_free_bytes(device) * share)
    return DeviceImages(host) if len(host) * math.prod(host.shape_HWC) <= budget_bytes else host


def open_evaluated_images(split: Split, device: torch.device, *, size: Size) -> SplitImages:
    """Images for a network whose input has this size: resized once as an exported model does it, unless they are many.

    Many images keep their own size, and the network resizes them.
    """
    resized = ResizedImages(split, size, device, dtype=torch.float32)
    resized_bytes = len(split) * math.prod(resized.shape_HWC) * resized.dtype.itemsize
    if size == split.images_MHWC.shape[1:3] or resized_bytes > _EVALUATED_BYTES:
        return open_images(split, device)
    return DeviceImages(resized)


class TrainingBatches:
    """One epoch after another of a split's images in random order, each image once."""

    def __init__(
        self,
        images: SplitImages,
        labels_N: npt.NDArray[np.int64],
        augmentation: Augmentation,
        *,
        num_classes: int,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.images = images
        self.labels_N = torch.tensor(labels_N)
        self.augmentation = augmentation
        self.num_classes = num_classes
        self.dtype = dtype
        self.sizes = batch_sizes(len(images), augmentation.recipe.batch_size)
        self._batches_a_block = max(BLOCK_VALUES // (math.prod(images.shape_HWC) * self.sizes[0]), 1)

    def __len__(self) -> int:
        return len(self.sizes)

    @property
    def batches_a_block(self) -> int:
        """Number of batches that are augmented at once."""
        return self._batches_a_block

    def epoch(self, *, generator: torch.Generator) -> Iterator[Batch]:
        """Batches of one pass; order and augmentation are sampled from `generator`, which lives on the host."""
        order_N = torch.randperm(len(self.labels_N), generator=generator)
        start = 0
        for first in range(0, len(self.sizes), self._batches_a_block):
            sizes = self.sizes[first : first + self._batches_a_block]
            block = self._block(order_N[start : start + sum(sizes)], generator)
            yield from _cut(block, sizes)
            start += sum(sizes)

    def _block(self, positions_B: Tensor, generator: torch.Generator) -> Batch:
        images_BCHW = self.augmentation(self.images.take(positions_B), generator=generator)
        host_labels_B = self.labels_N[positions_B]
        labels_B = targets = to_device(host_labels_B, self.images.device)
        if concentration := self.augmentation.recipe.mixup:
            targets = to_device(one_hot(host_labels_B, self.num_classes).to(torch.float32), self.images.device)
            images_BCHW, targets = mix(images_BCHW, targets, concentration, generator=generator)
        images_BCHW = images_BCHW.to(self.dtype, memory_format=torch.channels_last)
        return Batch(images_BCHW, labels_B, targets)


def evaluation_batches(
    images: SplitImages, normalization: Normalization, *, batch_size: int, dtype: torch.dtype = torch.float32
) -> Iterator[Tensor]:
    """Yield all images in order, normalized and channels-last, at most `batch_size` at a time."""
    for positions_B in torch.split(torch.arange(len(images)), batch_size):
        images_BCHW = normalization(images.take(positions_B).permute(0, 3, 1, 2))
        yield images_BCHW.to(dtype, memory_format=torch.channels_last)


def batch_sizes(count: int, batch_size: int) -> list[int]:
    """Cut `count` images into batches of `batch_size`, the remainder shared out among them.

    So every image is used in every epoch, and no small last batch upsets the normalization's statistics.
    """
    batches = max(count // batch_size, 1)
    smaller, larger = divmod(count, batches)
    return [smaller + 1] * larger + [smaller] * (batches - larger)


def _cut(block: Batch, sizes: list[int]) -> Iterator[Batch]:
    columns = (torch.split(column, sizes) for column in (block.images_BCHW, block.labels_B, block.targets))
    return itertools.starmap(Batch, zip(*columns, strict=True))


def _free_bytes(device: torch.device) -> int:
    if device.type == "cpu":
        return psutil.virtual_memory().available
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    return torch.mps.recommended_max_memory() - torch.mps.current_allocated_memory()
