import numpy as np
import pytest

from automl.figures.search.architecture import Architecture, architecture_chart, kinds_of
from tests.figures.layout import is_cut_off, legend_labels

NETWORKS = [
    Architecture(0, "residual", 3, 16, 77_754, 0.9, complete=True),
    Architecture(1, "perceptron", 0, None, 9_610, 0.8, complete=True),
    Architecture(2, "plain", 2, 64, None, 0.4, complete=False),
]


def points(panel: int) -> list[list[float]]:
    axes = architecture_chart(NETWORKS, value_label="accuracy").axes[panel]
    return [point for drawn in axes.collections for point in np.asarray(drawn.get_offsets()).tolist()]


def test_every_network_stands_at_its_depth_width_and_size() -> None:
    assert points(0) == [[0, 0.8], [2, 0.4], [3, 0.9]]
    assert points(1) == [[64, 0.4], [16, 0.9]]
    assert points(2) == [[9_610, 0.8], [77_754, 0.9]]


def test_network_of_a_pruned_trial_is_hollow() -> None:
    drawn = architecture_chart(NETWORKS, value_label="accuracy").axes[0].collections
    assert [len(np.asarray(one.get_facecolor())) for one in drawn if len(np.asarray(one.get_offsets()))] == [1, 0, 1]


def test_kinds_are_named_from_the_simple_to_the_complex() -> None:
    assert kinds_of(NETWORKS) == ["perceptron", "plain", "residual"]
    assert legend_labels(architecture_chart(NETWORKS, value_label="accuracy")) == ["perceptron", "plain", "residual"]


@pytest.mark.parametrize("networks", [[], NETWORKS[:1], NETWORKS])
def test_nothing_is_cut_off(networks: list[Architecture]) -> None:
    assert not is_cut_off(architecture_chart(networks, value_label="validation loss (nats)"))
