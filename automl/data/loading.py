"""Load a data set by name or path: cached pixels, and the splits that were asked for."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import numpy as np
import numpy.typing as npt

from automl.data.cache import fetch
from automl.data.contents import Progress
from automl.data.dataset import SPLITS, DataSet, Split, SplitName
from automl.data.sources import find_source
from automl.data.splits import cut_missing
from automl.data.stored import Stored


def load_data_set(
    reference: str,
    *,
    home: Path,
    splits: Collection[SplitName] = SPLITS,
    split_seed: int = 0,
    on_progress: Progress | None = None,
) -> DataSet:
    """Load labelled images; decoded once, then mapped from the cache under `home`.

    Splits that the source does not give are cut from train: the same for the same seed, whichever are asked for.
    `on_progress` hears of images decoded, and nothing where the cache has them.

    Raises: DataError if the data cannot be found, read or learnt from, or the cache cannot be written.
    """
    source = find_source(reference, home=home)
    stored = fetch(source, home=home, on_progress=on_progress)
    index, record = stored.index, stored.record
    cut = cut_missing(index.labels_N, index.splits_N, record.class_names, groups_N=index.groups_N, seed=split_seed)
    height, width, channels = stored.images_MHWC.shape[1:]
    return DataSet(
        name=source.name,
        reference=source.reference,
        fingerprint=record.fingerprint,
        class_names=record.class_names,
        image_shape=(channels, height, width),
        splits={split: _split(stored, cut.splits_N == SPLITS.index(split)) for split in SPLITS if split in splits},
        left_out=record.left_out,
        notes=(*record.notes, *cut.notes),
    )


def _split(stored: Stored, chosen_N: npt.NDArray[np.bool_]) -> Split:
    return Split(stored.images_MHWC, stored.index.rows_N[chosen_N], stored.index.labels_N[chosen_N])
