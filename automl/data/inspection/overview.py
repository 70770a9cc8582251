"""Look at data before anything is trained on them: what is there, what is twice there, what is easy about them.

N readable images of all splits together, K classes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from automl.data.cache import fetch
from automl.data.dataset import DataSet
from automl.data.inspection.duplicates import Duplicates, ImageTable, find_duplicates
from automl.data.inspection.similarity import take_fingerprints
from automl.data.loading import assemble
from automl.data.sizing import AUTO, Sizing
from automl.data.source_contents import Header, Progress
from automl.data.sources.references import find_source
from automl.data.split_names import SPLITS

IMBALANCE = 10
"""Ratio of the largest class to the smallest, above which accuracy tells little about the small ones."""
MANY = 20_000
"""Number of images above which comparing all pairs takes seconds."""


@dataclass(frozen=True)
class OriginalFormats:
    """Sizes and modes of the images as they came."""

    smallest: tuple[int, int]
    """Lowest height and lowest width, in pixels, upright; they may be of two images."""
    median: tuple[int, int]
    largest: tuple[int, int]
    modes: Mapping[str, int]
    """Images by Pillow's mode, the most frequent first."""


@dataclass(frozen=True)
class Baselines:
    """Accuracies on the validation split that cost no training; a network has to beat them."""

    majority_class: str
    """Most frequent class of train."""
    majority: float
    nearest_centroid: float
    """Accuracy of the class with the nearest mean image, by the squares of small copies' differences."""


@dataclass(frozen=True)
class Inspection:
    """What was found."""

    data: DataSet
    originals: OriginalFormats
    unreadable: tuple[tuple[str, str], ...]
    """Names of the files that are left out, with the reasons."""
    exact: Duplicates
    """Images whose pixels are all equal."""
    near: Duplicates
    """Images that look alike without being equal."""
    baselines: Baselines
    imbalance: float
    """Images of train's largest class to one of its smallest."""

    def advice(self) -> tuple[str, ...]:
        """What to do about it, a sentence each."""
        return tuple(_advice(self))

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        data = self.data
        return {
            "name": data.name,
            "reference": data.reference,
            "fingerprint": data.fingerprint,
            "image_shape": list(data.image_shape),
            **asdict(data.sizing),
            "pixel_range": data.pixel_range and asdict(data.pixel_range),
            "notes": list(data.notes),
            "splits": {
                split: dict(zip(data.class_names, data.class_counts(split).tolist(), strict=True)) for split in SPLITS
            },
            "originals": asdict(self.originals),
            "unreadable": [{"file": name, "reason": reason} for name, reason in self.unreadable],
            "duplicates": {"exact": asdict(self.exact), "near": asdict(self.near)},
            "baselines": asdict(self.baselines),
            "imbalance": self.imbalance,
            "advice": list(self.advice()),
        }


def inspect_data(
    reference: str,
    *,
    home: Path,
    split_seed: int = 0,
    sizing: Sizing = AUTO,
    on_progress: Progress | None = None,
    log: Callable[[str], None],
) -> Inspection:
    """Look at all splits, the test split too: nothing is trained or chosen here, and accuracies are validation's.

    However many files are unreadable, the others are looked at.

    Raises: DataError if the data cannot be found or learnt from, or the cache cannot be written.
    """
    source = find_source(reference, home=home)
    cached = fetch(source, sizing, home=home, on_progress=on_progress)
    data = assemble(source, cached, splits=SPLITS, split_seed=split_seed, sizing=sizing)
    originals = cached.originals()
    table = _together(data)
    if len(table.rows_N) > MANY:
        log(f"comparing all pairs of {len(table.rows_N):,} images …")
    fingerprints = take_fingerprints(cached.images_MHWC, table.rows_N)
    exact, near = find_duplicates(fingerprints, table, names=originals.names)
    counts_K = data.class_counts("train")
    return Inspection(
        data=data,
        originals=_originals([header for header in originals.headers if header is not None]),
        unreadable=cached.record.unreadable,
        exact=exact,
        near=near,
        baselines=measure_baselines(fingerprints.copies_NTTC, table, data.class_names),
        imbalance=float(counts_K.max() / counts_K.min()),
    )


def measure_baselines(copies_NTTC: npt.NDArray[np.uint8], table: ImageTable, class_names: Sequence[str]) -> Baselines:
    """Accuracy on validation of train's most frequent class, and of the class of train with the nearest mean."""
    train_N, validation_N = table.splits_N == 0, table.splits_N == 1
    labels_T, labels_V = table.labels_N[train_N], table.labels_N[validation_N]
    values_TD = copies_NTTC[train_N].reshape(len(labels_T), -1)
    values_VD = copies_NTTC[validation_N].reshape(len(labels_V), -1).astype(np.float32)
    means_KD = np.stack(
        [values_TD[labels_T == label].mean(axis=0, dtype=np.float32) for label in range(len(class_names))]
    )
    scores_VK = values_VD @ means_KD.T - np.square(means_KD).sum(axis=1) / 2
    majority = int(np.bincount(labels_T).argmax())
    return Baselines(
        majority_class=class_names[majority],
        majority=float(np.mean(labels_V == majority)),
        nearest_centroid=float(np.mean(scores_VK.argmax(axis=1) == labels_V)),
    )


def sample_images(data: DataSet, *, each: int) -> list[npt.NDArray[np.uint8]]:
    """Up to so many images of every class, N × H × W × C, evenly from all that train has of it."""
    train = data.splits["train"]
    samples = []
    for label in range(len(data.class_names)):
        rows = train.rows_N[train.labels_N == label]
        chosen = np.unique(np.linspace(0, len(rows) - 1, each).astype(int))
        samples.append(train.images_MHWC[rows[chosen]])
    return samples


def _together(data: DataSet) -> ImageTable:
    """All splits, one after the other."""
    splits = [data.splits[name] for name in SPLITS]
    return ImageTable(
        rows_N=np.concatenate([split.rows_N for split in splits]),
        labels_N=np.concatenate([split.labels_N for split in splits]),
        splits_N=np.repeat(np.arange(len(SPLITS)), [len(split) for split in splits]),
    )


def _originals(headers: Sequence[Header]) -> OriginalFormats:
    sizes_N2 = np.array([(header.height, header.width) for header in headers])
    modes = Counter(header.mode for header in headers)
    ends = (sizes_N2.min(axis=0), np.median(sizes_N2, axis=0), sizes_N2.max(axis=0))
    smallest, median, largest = ((int(height), int(width)) for height, width in ends)
    return OriginalFormats(smallest, median, largest, dict(modes.most_common()))


def _advice(found: Inspection) -> Iterator[str]:
    if found.imbalance > IMBALANCE:
        yield (
            f"The largest class of train has {found.imbalance:.0f} times the images of the smallest: accuracy would "
            "hardly see the small ones. Search with --metric macro_f1."
        )
    for kind, duplicates in (("equal", found.exact), ("similar", found.near)):
        for split, images in duplicates.also_in_train.items():
            if images:
                yield f"{kind.capitalize()} images in train and {split}: {images:,} of {split}. Its accuracy flatters."
        if duplicates.contradictory:
            yield (
                f"Groups of {kind} images under several labels: {duplicates.contradictory:,}. "
                "No model can have them all right."
            )
