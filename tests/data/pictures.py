"""Real image files for the tests."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image


def save_picture(path: Path, *, seed: int, size: tuple[int, int] = (9, 7), mode: str = "L") -> None:
    """Write noise of `size` (width, height) in the format of the path's ending."""
    path.parent.mkdir(parents=True, exist_ok=True)
    width, height = size
    noise = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    Image.fromarray(noise).convert(mode).save(path)


def save_classes(folder: Path, counts: Mapping[str, int], *, ending: str = ".png") -> Path:
    """Write so many pictures into each of these folders, all of them different."""
    for number, (name, count) in enumerate(sorted(counts.items())):
        for index in range(count):
            save_picture(folder / name / f"{index:03}{ending}", seed=1000 * number + index)
    return folder


def pack(folder: Path, archive: Path, *, enclosing: str = "") -> Path:
    """Zip a folder, its content below `enclosing`."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as target:
        for path in sorted(folder.rglob("*"), reverse=True):  # an order of its own: loading must not depend on it
            target.write(path, enclosing + path.relative_to(folder).as_posix())
    return archive
