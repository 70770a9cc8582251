import numpy as np
import pytest

from automl.figures.classes import class_bars
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
