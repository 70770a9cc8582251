"""Load a data set by name or path: cached pixels, and the splits that were asked for."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import numpy as np
import numpy.typing as npt

from automl.data.cache import fetch
from automl.data.cache_format import CachedSource, CacheRecord
from automl.data.dataset import DataSet, Split
from automl.data.pixel_range import PixelRange
from automl.data.sizing import AUTO, Sizing
from automl.data.source_contents import Progress, Source
from automl.data.sources.references import find_source, shadow_note
from automl.data.split_names import SPLITS, SplitName
from automl.data.splits import cut_missing
from automl.errors import DataError
from automl.sanitize import one_line

UNREADABLE_SHARE = 0.01
"""Largest share of unreadable images; more is an error."""
LISTED = 5
"""Number of files that a message names before it counts the others."""


def load_data_set(
    reference: str,
    *,
    home: Path,
    splits: Collection[SplitName] = SPLITS,
    split_seed: int = 0,
    sizing: Sizing = AUTO,
    pixel_range: PixelRange | None = None,
    on_progress: Progress | None = None,
) -> DataSet:
    """Load labelled images; decoded once, then mapped from the cache under `home`.

    `pixel_range`: a model's scale of images of more than 8 bits; left out, the set's own training images decide.
    Splits that the source does not give are cut from train: the same for the same seed, whichever are asked for.
    `on_progress` hears of images decoded, and nothing where the cache has them.

    Raises: DataError if the data cannot be found, read or learnt from, or the cache cannot be written.
    """
    source = find_source(reference, home=home)
    cached = fetch(source, sizing, home=home, pixel_range=pixel_range, on_progress=on_progress)
    _check_readable(cached)
    return assemble(source, cached, splits=splits, split_seed=split_seed, sizing=sizing)


def assemble(
    source: Source, cached: CachedSource, *, splits: Collection[SplitName], split_seed: int, sizing: Sizing
) -> DataSet:
    """The data set of a decoded source, however many of its files are unreadable.

    Raises: DataError if there is too little to cut the missing splits from.
    """
    index, record = cached.index, cached.record
    cut = cut_missing(
        index.labels_N,
        index.splits_N,
        record.class_names,
        groups_N=index.groups_N,
        seed=split_seed,
        reference=source.reference,
    )
    height, width, channels = cached.images_MHWC.shape[1:]
    return DataSet(
        name=one_line(record.name or source.name),
        reference=source.reference,
        fingerprint=record.fingerprint,
        class_names=record.class_names,
        image_shape=(channels, height, width),
        splits={split: _split(cached, cut.splits_N == SPLITS.index(split)) for split in SPLITS if split in splits},
        left_out=tuple(name for name, _ in record.unreadable),
        notes=(*shadow_note(source), *record.notes, *_left_out(record), *cut.notes),
        sizing=sizing,
        pixel_range=record.pixel_range,
    )


def _split(cached: CachedSource, chosen_N: npt.NDArray[np.bool_]) -> Split:
    return Split(cached.images_MHWC, cached.index.rows_N[chosen_N], cached.index.labels_N[chosen_N])


def _check_readable(cached: CachedSource) -> None:
    damaged, images = len(cached.record.unreadable), len(cached.images_MHWC)
    if damaged <= UNREADABLE_SHARE * images:
        return
    raise DataError(
        f"{damaged} of {images} images cannot be read, more than {UNREADABLE_SHARE:.0%}:\n"
        f"{_listed(cached.record)}\nRepair or remove them."
    )


def _left_out(record: CacheRecord) -> tuple[str, ...]:
    if not record.unreadable:
        return ()
    return (f"{len(record.unreadable)} left out, as they cannot be read:\n{_listed(record)}",)


def _listed(record: CacheRecord) -> str:
    lines = [f"  {one_line(name)}: {one_line(reason)}" for name, reason in record.unreadable]
    return "\n".join(lines[:LISTED] + ([f"  and {len(lines) - LISTED} more"] if len(lines) > LISTED else []))
