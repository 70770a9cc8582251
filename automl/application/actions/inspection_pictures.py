"""Pictures of data: a sheet of sample images, and the sizes of the classes as bars."""

from __future__ import annotations

from pathlib import Path

from automl.data.dataset import DataSet
from automl.data.inspection.overview import sample_images
from automl.data.split_names import SPLITS
from automl.errors import SettingsError
from automl.figures.canvas import save_png
from automl.figures.images.classes import class_bars
from automl.figures.images.samples import sample_sheet
from automl.own_files import refuse_foreign

PICTURES = ("samples", "classes")
SAMPLES = 10
"""Number of images of a class on the sheet."""


def write_pictures(data: DataSet, folder: Path) -> dict[str, Path]:
    """Write a sheet of sample images of train and the classes as bars; their paths by name.

    Raises: SettingsError if they cannot be written there, or files are there that automl did not write.
    """
    figures = {
        "samples": sample_sheet(sample_images(data, each=SAMPLES), data.class_names),
        "classes": class_bars({split: data.class_counts(split) for split in SPLITS}, data.class_names),
    }
    paths = _picture_paths(folder)
    refuse_foreign_pictures(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, figure in figures.items():
            save_png(figure, paths[name])
    except OSError as error:
        raise SettingsError(
            f"Cannot write pictures into {folder}: {error.strerror}. Choose another --output."
        ) from error
    return paths


def refuse_foreign_pictures(folder: Path) -> None:
    """See that no file is overwritten that automl did not write.

    Raises: SettingsError.
    """
    for path in _picture_paths(folder).values():
        refuse_foreign(path, option="--output")


def _picture_paths(folder: Path) -> dict[str, Path]:
    return {name: folder / f"{name}.png" for name in PICTURES}
