import numpy as np
import pytest
from matplotlib.colors import to_hex

from automl.figures.canvas import COLOURS
from automl.figures.search.baselines import LABEL_LETTERS, Rung, ladder_chart, wrapped
from tests.figures.layout import is_cut_off

RUNGS = [
    Rung("trial 0: perceptron with a hidden layer of 128", 0.944),
    Rung("trial 1: 2 stages of 1 plain block from 16 channels, average pooling, no hidden layer", 0.75, complete=False),
    Rung("trial 2: 3 stages of 1 plain block from 32 channels, average pooling, no hidden layer", None),
    Rung(
        "winner, trial 9: 3 stages of 2 residual blocks from 64 channels with squeeze-excitation", 1.0, is_winner=True
    ),
]


def test_rungs_stand_from_the_top_at_their_values() -> None:
    axes = ladder_chart(RUNGS, value_label="validation accuracy").axes[0]
    assert [np.asarray(points.get_offsets()).tolist() for points in axes.collections] == [
        [[0.944, 0]],
        [[0.75, 1]],
        [[1.0, 3]],
    ]
    assert axes.yaxis_inverted()


def test_values_are_written_and_early_stops_are_said() -> None:
    axes = ladder_chart(RUNGS, value_label="validation accuracy").axes[0]
    assert sorted(text.get_text() for text in axes.texts) == [
        "0.7500, ended early",
        "0.9440",
        "1.0000",
        "no epoch was finished",
    ]


def test_winner_has_a_colour_of_its_own_and_an_early_stop_is_hollow() -> None:
    points = ladder_chart(RUNGS, value_label="accuracy").axes[0].collections
    faces = [to_hex(np.asarray(one.get_facecolor())[0]).upper() for one in points]
    assert faces == [COLOURS[0], "#FFFFFF", COLOURS[2]]


def test_labels_are_wrapped_without_losing_a_word() -> None:
    for rung in RUNGS:
        lines = wrapped(rung.label).split("\n")
        assert " ".join(lines) == rung.label
        assert max(map(len, lines)) <= LABEL_LETTERS


@pytest.mark.parametrize("rungs", [RUNGS[:1], RUNGS[2:3], RUNGS])
def test_nothing_is_cut_off(rungs: list[Rung]) -> None:
    assert not is_cut_off(ladder_chart(rungs, value_label="validation loss"))
