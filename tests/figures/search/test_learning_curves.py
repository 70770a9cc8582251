import numpy as np

from automl.figures.canvas import COLOURS
from automl.figures.search.learning_curves import LearningCurve, learning_curves
from tests.figures.layout import is_cut_off, legend_labels


def curve(number: int, *, epochs: int = 4) -> LearningCurve:
    train = [0.1 * number + 0.01 * epoch for epoch in range(epochs)]
    return LearningCurve(f"trial {number}", range(epochs), train, [value / 2 for value in train])


def test_lines_are_the_figures_given() -> None:
    one = curve(3)
    train, validation = learning_curves([one], value_label="accuracy").axes[0].lines
    assert np.asarray(train.get_xydata()).tolist() == [list(pair) for pair in zip(one.epochs, one.train, strict=True)]
    assert np.asarray(validation.get_ydata()).tolist() == one.validation


def test_training_is_dashed_and_shares_its_trial_s_colour() -> None:
    lines = learning_curves([curve(0), curve(1)], value_label="accuracy").axes[0].lines
    assert [line.get_color() for line in lines] == [COLOURS[0], COLOURS[0], COLOURS[1], COLOURS[1]]
    assert [line.is_dashed() for line in lines] == [True, False, True, False]


def test_trials_after_the_seventh_are_faint_and_counted() -> None:
    figure = learning_curves([curve(number) for number in range(10)], value_label="accuracy")
    assert legend_labels(figure) == [*(f"trial {number}" for number in range(7)), "3 more", "validation", "training"]


def test_single_epoch_is_visible() -> None:
    lines = learning_curves([curve(0, epochs=1)], value_label="accuracy").axes[0].lines
    assert [line.get_marker() for line in lines] == ["o", "o"]


def test_nothing_is_cut_off() -> None:
    curves = [curve(number) for number in range(10)]
    for shown in ([], curves[:1], curves):
        assert not is_cut_off(learning_curves(shown, value_label="cross entropy (nats)"))
