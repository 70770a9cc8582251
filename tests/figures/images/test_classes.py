import numpy as np
import pytest

from automl.figures.canvas import png_bytes
from automl.figures.images.classes import class_bars, printable
from automl.figures.images.confusion import confusion_matrix
from automl.figures.images.misclassified import Misclassified, misclassified_sheet
from automl.figures.images.samples import sample_sheet
from tests.figures.layout import is_cut_off, legend_labels

COUNTS = {"train": np.array([80, 3]), "validation": np.array([10, 1]), "test": np.array([10, 0])}


def test_bars_are_the_counts_one_after_the_other_with_their_sum() -> None:
    figure = class_bars(COUNTS, ["cat", "dog"])
    axes = figure.axes[0]
    bars = [[(bar.get_x(), bar.get_width()) for bar in container] for container in axes.containers]
    assert bars == [[(0, 80), (0, 3)], [(80, 10), (3, 1)], [(90, 10), (4, 0)]]
    assert [text.get_text() for text in axes.texts] == [" 100", " 4"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["cat", "dog"]
    assert legend_labels(figure) == ["train", "validation", "test"]


@pytest.mark.parametrize("classes", [2, 60, 1000])
def test_nothing_is_cut_off(classes: int) -> None:
    names = [f"a class with a name {number}" for number in range(classes)]
    counts = {split: np.full(classes, 100_000) for split in COUNTS}
    assert not is_cut_off(class_bars(counts, names))


NAMES = ("кошки", "狗", "قطة", "🦉", "$5 or $6", r"$\frac$", "two\nlines", "tab\there")
"""Of other scripts, with dollars that would be formulas (the second a wrong one), with what no font has."""
PRINTED = ["кошки", "class 1", "قطة", "class 3", "$5 or $6", r"$\frac$", "class 6", "class 7"]
MATRIX_KK = np.eye(len(NAMES), dtype=np.int64)
IMAGES_NHWC = np.zeros((1, 4, 4, 1), np.uint8)
FIGURES = {
    "bars": class_bars({"train": np.arange(len(NAMES))}, NAMES),
    "samples": sample_sheet([IMAGES_NHWC] * len(NAMES), NAMES),
    "confusion": confusion_matrix(MATRIX_KK, NAMES),
    "mistakes": misclassified_sheet([Misclassified(IMAGES_NHWC[0], k, k, 0.5) for k in range(len(NAMES))], NAMES),
}


@pytest.mark.parametrize("figure", FIGURES)
def test_classes_of_any_name_are_drawn_without_a_warning(figure: str) -> None:
    assert png_bytes(FIGURES[figure])  # matplotlib warns of a missing glyph, and warnings are errors here


def test_names_that_cannot_be_drawn_are_numbers() -> None:
    drawn = [printable(name, label).replace(r"\$", "$") for label, name in enumerate(NAMES)]
    assert drawn == PRINTED
