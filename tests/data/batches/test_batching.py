from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from automl.data.batches import batching as batches
from automl.data.batches.augmentation import Augmentation
from automl.data.batches.batching import Batch, DeviceImages, HostImages, SplitImages, TrainingBatches, batch_sizes
from automl.data.batches.normalization import Normalization
from automl.data.dataset import Split
from automl.recipe import Recipe

CPU = torch.device("cpu")
NORMALIZATION = Normalization((0.0,), (1 / 255,))
"""Leaves the pixels' values as they are."""


@pytest.fixture
def split(tmp_path: Path) -> Split:
    """90 images, every pixel of which is the image's row, in a memory map; labels are row mod 7."""
    path = tmp_path / "pixels.npy"
    np.save(path, np.arange(100, dtype=np.uint8)[:, None, None, None] * np.ones((1, 4, 5, 1), dtype=np.uint8))
    rows = np.arange(5, 95)
    return Split(np.load(path, mmap_mode="r"), rows, rows % 7)


def host(split: Split) -> HostImages:
    return HostImages(split.images_MHWC, split.rows_N, CPU)


def epoch(split: Split, recipe: Recipe, images: SplitImages | None = None, seed: int = 0) -> list[Batch]:
    training = TrainingBatches(
        images or host(split), split.labels_N, Augmentation(recipe, NORMALIZATION), num_classes=7
    )
    return list(training.epoch(generator=torch.Generator().manual_seed(seed)))


@given(count=st.integers(2, 5000), batch_size=st.integers(2, 600))
def test_batches_share_out_the_remainder(count: int, batch_size: int) -> None:
    sizes = batch_sizes(count, batch_size)
    assert sum(sizes) == count
    assert max(sizes) - min(sizes) <= 1
    assert min(sizes) >= min(batch_size, count)


def test_an_epoch_shows_every_image_once_with_its_own_label(split: Split) -> None:
    shown = epoch(split, Recipe(batch_size=16))
    rows = torch.cat([batch.images_BCHW[:, 0, 0, 0] for batch in shown]).round().to(torch.int64)
    assert sorted(rows.tolist()) == split.rows_N.tolist()
    assert rows.tolist() != split.rows_N.tolist()
    assert torch.equal(rows % 7, torch.cat([batch.labels_B for batch in shown]))
    assert all(batch.targets is not None and torch.equal(batch.targets, batch.labels_B) for batch in shown)


def test_the_generator_alone_decides_the_order(split: Split) -> None:
    orders = [torch.cat([b.labels_B for b in epoch(split, Recipe(), seed=seed)]).tolist() for seed in (1, 1, 2)]
    assert orders[0] == orders[1] != orders[2]


def test_images_on_the_device_and_from_the_map_give_the_same_batches(
    split: Split, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "_COPIED_BYTES", 7 * 20)  # copied in many pieces, the last one smaller
    recipe = Recipe(batch_size=16, flip=0.5, rotation_degrees=10, mixup=0.3)
    resident = epoch(split, recipe, DeviceImages(host(split)))
    for ours, theirs in zip(epoch(split, recipe), resident, strict=True):
        assert torch.equal(ours.images_BCHW, theirs.images_BCHW)
        assert torch.equal(ours.targets, theirs.targets)


def test_a_set_over_the_memory_budget_is_streamed(split: Split) -> None:
    meta = torch.device("meta")  # a device that is no CPU, and has no memory
    assert isinstance(batches.open_images(split, CPU), HostImages)
    assert isinstance(batches.open_images(split, meta, budget_bytes=90 * 20), DeviceImages)
    assert isinstance(batches.open_images(split, meta, budget_bytes=90 * 20 - 1), HostImages)


def test_batches_do_not_depend_on_being_made_in_blocks(split: Split, monkeypatch: pytest.MonkeyPatch) -> None:
    together = epoch(split, Recipe(batch_size=16))
    monkeypatch.setattr(batches, "BLOCK_VALUES", 1)
    one_by_one = epoch(split, Recipe(batch_size=16))
    for ours, theirs in zip(together, one_by_one, strict=True):
        assert torch.equal(ours.images_BCHW, theirs.images_BCHW)


def test_mixup_gives_probabilities_and_keeps_the_labels(split: Split) -> None:
    for batch in epoch(split, Recipe(batch_size=16, mixup=1.0)):
        assert batch.targets.shape == (len(batch.labels_B), 7)
        torch.testing.assert_close(batch.targets.sum(1), torch.ones(len(batch.labels_B)))
        assert (batch.targets.gather(1, batch.labels_B[:, None]) >= 0.5 - 1e-6).all()


def test_batches_are_channels_last_in_the_dtype_asked_for() -> None:
    images = np.random.default_rng(0).integers(0, 256, (20, 6, 5, 3), dtype=np.uint8)
    source = HostImages(images, np.arange(20), CPU)
    normalization = Normalization((0.5,) * 3, (0.25,) * 3)
    training = TrainingBatches(
        source,
        np.zeros(20, dtype=np.int64),
        Augmentation(Recipe(batch_size=8, rotation_degrees=5), normalization),
        num_classes=2,
        dtype=torch.bfloat16,
    )
    for batch in training.epoch(generator=torch.Generator()):
        assert batch.images_BCHW.dtype == torch.bfloat16
        assert batch.images_BCHW.is_contiguous(memory_format=torch.channels_last)


def test_evaluation_shows_the_images_in_their_order(split: Split) -> None:
    shown = list(batches.evaluation_batches(host(split), NORMALIZATION, batch_size=40))
    assert [len(images) for images in shown] == [40, 40, 10]
    torch.testing.assert_close(torch.cat(shown)[:, 0, 3, 4], torch.from_numpy(split.rows_N).float())
