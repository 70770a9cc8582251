"""Images of a split at the size of a network's input.

All is computed on the host, image by image in the same way. So the pixels are the same on every device, and whether an
image is resized alone or among others.

B images, N of the split, C channels, H × W pixels.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from automl.data.batches.transfer import to_device
from automl.data.dataset import Split

Size = tuple[int, int]
"""Height and width."""


class ResizedImages:
    """Images of a split in another size than their own, resized as they are taken."""

    def __init__(self, split: Split, size: Size, device: torch.device, *, dtype: torch.dtype = torch.uint8) -> None:
        """`dtype`: uint8, or float32 for pixels that are not rounded to whole levels."""
        self._split = split
        self.device, self.dtype = device, dtype
        self.shape_HWC = (*size, split.images_MHWC.shape[3])

    def __len__(self) -> int:
        return len(self._split)

    @property
    def taken_bytes(self) -> int:
        """Bytes that taking one image touches: its own pixels and the resized ones."""
        return math.prod(self._split.images_MHWC.shape[1:]) + math.prod(self.shape_HWC) * self.dtype.itemsize

    def take(self, positions_B: Tensor) -> Tensor:
        """Return resized images, B × H × W × C on the device."""
        own_BHWC = np.take(self._split.images_MHWC, self._split.rows_N[positions_B.numpy()], axis=0)
        resized_BHWC = resize(torch.from_numpy(own_BHWC).to(self.dtype), self.shape_HWC[:2])
        return to_device(resized_BHWC, self.device)


def resize(images_BHWC: Tensor, size: Size) -> Tensor:
    """Antialiased bilinear resizing of uint8 or float32 images on the host.

    uint8 images are computed in whole numbers, rows and columns each rounded: up to 1 level from float32's result.
    """
    channels = images_BHWC.shape[3]
    if size[1] == channels == 1:  # there torch 2.15 computes something else in float32, but not for several channels
        images_BHWC = images_BHWC.expand(-1, -1, -1, 3).contiguous()
    resized_BCHW = interpolate(images_BHWC.permute(0, 3, 1, 2), size=size, mode="bilinear", antialias=True)
    return resized_BCHW.permute(0, 2, 3, 1)[..., :channels].contiguous()
