"""A fixed part of FER2013 for what is measured often: 6,000 training images, all of PublicTest and PrivateTest."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import train_test_split

from automl.data.loading import load_data_set

TRAIN_IMAGES = 6000
FILE = f"fer2013-{TRAIN_IMAGES}.npz"


def write_part(source: str, folder: Path) -> Path:
    """Write the part as an .npz that `--data` takes, unless it is there, and return its path.

    `source`: FER2013 in any form that `--data` reads. The training images are drawn by class with seed 0.
    """
    path = folder / FILE
    if path.exists():
        return path
    data = load_data_set(source, home=folder)
    images, labels, names = [], [], []
    for name, split in data.splits.items():
        rows = _stratified(split.labels_N, TRAIN_IMAGES) if name == "train" else np.arange(len(split))
        images.append(split.images_MHWC[split.rows_N[rows]])
        labels.append(split.labels_N[rows])
        names += [name] * len(rows)
    folder.mkdir(parents=True, exist_ok=True)
    words = np.array(data.class_names)[np.concatenate(labels)]
    beside = path.with_suffix(".part.npz")
    np.savez(beside, images=np.concatenate(images), labels=words, split=np.array(names))
    return beside.rename(path)


def _stratified(labels_N: npt.NDArray[np.int64], count: int) -> npt.NDArray[np.int64]:
    kept, _ = train_test_split(np.arange(len(labels_N)), train_size=count, stratify=labels_N, random_state=0)
    return np.sort(np.asarray(kept))
