import numpy as np
import pytest

from automl.figures.images.misclassified import Misclassified, misclassified_sheet
from tests.figures.layout import is_cut_off

NAMES = ("cat", "dog", "an owl of a very long name")
GRAY = Misclassified(np.full((8, 8, 1), 7, np.uint8), 0, 1, 0.98765)
COLOUR = Misclassified(np.full((8, 6, 3), 200, np.uint8), 1, 2, 0.5)


def test_title_has_the_true_and_the_predicted_class() -> None:
    first, second, *_ = misclassified_sheet([GRAY, COLOUR], NAMES).axes
    assert first.get_title() == "true: cat\npredicted: dog\n0.988"
    assert second.get_title() == "true: dog\npredicted: an owl o…\n0.500"
    assert np.asarray(first.images[0].get_array()).tolist() == [[7] * 8] * 8


def test_gray_is_black_at_0_and_white_at_255() -> None:
    assert misclassified_sheet([GRAY], NAMES).axes[0].images[0].get_clim() == (0, 255)


def test_every_misclassified_image_is_shown() -> None:
    figure = misclassified_sheet([GRAY, COLOUR] * 7, NAMES)
    assert sum(len(axes.images) for axes in figure.axes) == 14
    assert len(figure.axes) == 18


@pytest.mark.parametrize("count", [1, 24])
def test_nothing_is_cut_off(count: int) -> None:
    assert not is_cut_off(misclassified_sheet([COLOUR] * count, NAMES))
