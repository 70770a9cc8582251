import numpy as np
import numpy.typing as npt
import pytest
from matplotlib.colors import to_rgb

from automl.figures.images.confusion import confusion_matrix, row_shares
from tests.figures.layout import is_cut_off

CATS_DOGS = np.array([[40, 2], [5, 30]])


def luminance(colour: npt.ArrayLike) -> float:
    """Source: WCAG 2.2, relative luminance."""
    channels = np.asarray(colour)[:3]
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def test_rows_are_shares_of_the_true_class() -> None:
    assert row_shares(CATS_DOGS).sum(axis=1) == pytest.approx([1, 1])
    assert row_shares(CATS_DOGS)[1, 0] == pytest.approx(5 / 35)


def test_class_without_images_has_an_empty_row() -> None:
    assert row_shares(np.array([[0, 0], [1, 3]])).tolist() == [[0, 0], [0.25, 0.75]]


def test_cells_say_per_cent_by_row_true_and_column_predicted() -> None:
    axes = confusion_matrix(np.array([[199, 1, 0], [5, 30, 0], [1, 0, 1]]), ["cat", "dog", "owl"]).axes[0]
    cells = {(text.get_position()[1], text.get_position()[0]): text.get_text() for text in axes.texts}
    assert cells == {(0, 0): "100", (0, 1): "<1", (1, 0): "14", (1, 1): "86", (2, 0): "50", (2, 2): "50"}


def test_classes_are_named_with_their_counts() -> None:
    axes = confusion_matrix(CATS_DOGS * 100, ["cat", "dog"]).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["cat (4,200)", "dog (3,500)"]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["cat", "dog"]


def test_every_cell_s_text_can_be_read() -> None:
    for share in range(1, 100):
        matrix_KK = np.array([[100 - share, share], [share, 100 - share]])
        axes = confusion_matrix(matrix_KK, ["cat", "dog"]).axes[0]
        image = axes.images[0]
        for text in axes.texts:
            column, row = (int(position) for position in text.get_position())
            cell = image.to_rgba(matrix_KK[row, column] / 100)
            light, dark = sorted([luminance(np.asarray(cell)), luminance(to_rgb(text.get_color()))], reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 4.5, f"{text.get_text()} % (WCAG asks for 4.5)"


@pytest.mark.parametrize("classes", [2, 7, 15, 16, 100])
def test_nothing_is_cut_off(classes: int) -> None:
    names = [f"a class with a name {number}" for number in range(classes)]
    assert not is_cut_off(confusion_matrix(np.eye(classes, dtype=np.int64) * 1000, names))
