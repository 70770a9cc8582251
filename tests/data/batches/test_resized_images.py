from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn.functional import interpolate

from automl.data.batches import batching
from automl.data.batches.batching import DeviceImages, HostImages, open_evaluated_images, open_images
from automl.data.batches.resized_images import ResizedImages, Size, resize
from automl.data.dataset import Split

CPU = torch.device("cpu")


def split_of(height: int, width: int, channels: int) -> Split:
    """40 of 50 images of noise."""
    images = np.random.default_rng(0).integers(0, 256, (50, height, width, channels), dtype=np.uint8)
    return Split(images, np.arange(5, 45), np.zeros(40, np.int64))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("own", "size"), [((40, 30), (16, 12)), ((8, 8), (16, 16)), ((30, 1), (12, 1))])
def test_rounded_pixels_are_those_of_float_within_a_level(own: Size, size: Size, channels: int) -> None:
    images = torch.from_numpy(split_of(*own, channels).images_MHWC)
    colour = images.repeat(1, 1, 1, 3).permute(0, 3, 1, 2).float()  # gray columns torch gets wrong
    exact = interpolate(colour, size=size, mode="bilinear", antialias=True).permute(0, 2, 3, 1)[..., :channels]
    assert torch.equal(resize(images.float(), size), exact)
    rounded = resize(images, size)
    assert rounded.dtype == torch.uint8
    assert (rounded.float() - exact).abs().max() <= 1.01


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_an_image_is_the_same_alone_among_others_and_kept(dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batching, "_COPIED_BYTES", 7 * 40 * 30 * 3)  # kept in many pieces
    images = ResizedImages(split_of(40, 30, 3), (21, 16), CPU, dtype=dtype)
    kept, positions = DeviceImages(images), torch.tensor([7, 0, 39, 7])
    alone = torch.cat([images.take(positions[[index]]) for index in range(4)])
    assert torch.equal(images.take(positions), alone)
    assert torch.equal(kept.take(positions), alone)
    assert (kept.shape_HWC, len(kept), kept.images_NHWC.dtype) == ((21, 16, 3), 40, dtype)


def test_resized_images_are_kept_where_they_fit() -> None:
    split, size = split_of(40, 30, 3), (20, 15)
    images_bytes = 40 * 20 * 15 * 3
    assert isinstance(open_images(split, CPU, size=size), DeviceImages)
    assert isinstance(open_images(split, CPU, size=size, budget_bytes=images_bytes), DeviceImages)
    assert isinstance(open_images(split, CPU, size=size, budget_bytes=images_bytes - 1), ResizedImages)
    assert isinstance(open_images(split, CPU, size=(40, 30)), HostImages)


def test_images_to_evaluate_keep_their_size_where_they_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    split, size = split_of(40, 30, 3), (20, 15)
    assert open_evaluated_images(split, CPU, size=size).shape_HWC == (20, 15, 3)
    assert isinstance(open_evaluated_images(split, CPU, size=(40, 30)), HostImages)
    monkeypatch.setattr(batching, "_EVALUATED_BYTES", 40 * 20 * 15 * 3 * 4 - 1)
    assert open_evaluated_images(split, CPU, size=size).shape_HWC == (40, 30, 3)
