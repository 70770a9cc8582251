import numpy as np
import pytest

from automl.figures.images.samples import MOST_CLASSES, sample_sheet
from tests.figures.layout import is_cut_off


def images(count: int, channels: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.random.default_rng(count).integers(0, 256, (count, 12, 10, channels), np.uint8)


@pytest.mark.parametrize("channels", [1, 3])
def test_every_image_stands_in_the_row_of_its_class(channels: int) -> None:
    by_class = [images(3, channels), images(1, channels)]
    axes = sample_sheet(by_class, ["cat", "dog"]).axes[0]
    sheet = np.asarray(axes.images[0].get_array()).reshape(26, 33, channels)
    for row, of_class in enumerate(by_class):
        for column, image in enumerate(of_class):
            assert np.array_equal(sheet[13 * row : 13 * row + 12, 11 * column : 11 * column + 10], image)
    assert (sheet[13:, 11:] == 255).all()
    assert [label.get_text() for label in axes.get_yticklabels()] == ["cat", "dog"]


@pytest.mark.parametrize(("classes", "each"), [(2, 10), (40, 10), (1000, 3), (2, 1)])
def test_nothing_is_cut_off(classes: int, each: int) -> None:
    names = [f"a class with a long name {number}" for number in range(classes)]
    figure = sample_sheet([images(each, 1)] * classes, names)
    assert not is_cut_off(figure)
    assert len(figure.axes[0].get_yticks()) <= MOST_CLASSES


def test_sheet_of_some_classes_says_so() -> None:
    figure = sample_sheet([images(2, 1)] * 100, [str(number) for number in range(100)])
    assert figure.axes[0].get_title() == "34 of 100 classes"


def test_names_that_the_font_has_not_are_replaced_by_numbers() -> None:
    axes = sample_sheet([images(2, 1)] * 3, ["кошки", "狗", "cat"]).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["кошки", "class 1", "cat"]
