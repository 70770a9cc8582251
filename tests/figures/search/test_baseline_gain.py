import numpy as np
import pytest
from matplotlib.colors import to_hex

from automl.figures.canvas import COLOURS
from automl.figures.search.baseline_gain import LABEL_LETTERS, Baseline, baseline_chart, wrapped
from tests.figures.layout import is_cut_off

BASELINES = [
    Baseline("trial 0: perceptron with a hidden layer of 128", 0.944),
    Baseline(
        "trial 1: 2 stages of 1 plain block from 16 channels, average pooling, no hidden layer", 0.75, complete=False
    ),
    Baseline("trial 2: 3 stages of 1 plain block from 32 channels, average pooling, no hidden layer", None),
    Baseline(
        "winner, trial 9: 3 stages of 2 residual blocks from 64 channels with squeeze-excitation", 1.0, is_winner=True
    ),
]


def test_baselines_start_at_the_top_with_their_values() -> None:
    axes = baseline_chart(BASELINES, value_label="validation accuracy").axes[0]
    assert [np.asarray(points.get_offsets()).tolist() for points in axes.collections] == [
        [[0.944, 0]],
        [[0.75, 1]],
        [[1.0, 3]],
    ]
    assert axes.yaxis_inverted()


def test_values_are_written_and_incomplete_ones_marked() -> None:
    axes = baseline_chart(BASELINES, value_label="validation accuracy").axes[0]
    assert sorted(text.get_text() for text in axes.texts) == [
        "0.7500, incomplete",
        "0.9440",
        "1.0000",
        "no epoch was finished",
    ]


def test_winner_has_a_colour_of_its_own_and_an_incomplete_trial_is_hollow() -> None:
    points = baseline_chart(BASELINES, value_label="accuracy").axes[0].collections
    faces = [to_hex(np.asarray(one.get_facecolor())[0]).upper() for one in points]
    assert faces == [COLOURS[0], "#FFFFFF", COLOURS[2]]


def test_labels_are_wrapped_without_losing_a_word() -> None:
    for baseline in BASELINES:
        lines = wrapped(baseline.label).split("\n")
        assert " ".join(lines) == baseline.label
        assert max(map(len, lines)) <= LABEL_LETTERS


@pytest.mark.parametrize("baselines", [BASELINES[:1], BASELINES[2:3], BASELINES])
def test_nothing_is_cut_off(baselines: list[Baseline]) -> None:
    assert not is_cut_off(baseline_chart(baselines, value_label="validation loss"))
