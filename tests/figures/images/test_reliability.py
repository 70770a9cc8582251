import numpy as np
import torch

from automl.figures.images.reliability import reliability_diagram
from automl.figures.interactive.plotly_reliability import interactive_reliability
from automl.training.evaluation.calibration import reliability
from tests.figures.layout import is_cut_off, legend_labels

LOGITS_NK = 3 * torch.randn(200, 3, generator=torch.Generator().manual_seed(0))
LABELS_N = np.arange(200) % 3
BINS = {"as trained": reliability(LOGITS_NK, LABELS_N), "softer": reliability(LOGITS_NK / 3, LABELS_N)}


def test_points_are_confidence_and_accuracy() -> None:
    figure = reliability_diagram(BINS)
    _, *drawn = figure.axes[0].lines
    for line, bins in zip(drawn, BINS.values(), strict=True):
        expected = [(one.confidence, one.accuracy) for one in bins if one.images]
        assert list(zip(line.get_xdata(), line.get_ydata(), strict=True)) == expected  # type: ignore[arg-type]
    assert legend_labels(figure) == ["perfect calibration", "as trained", "softer"]
    assert not is_cut_off(figure)


def test_page_shows_the_same_points() -> None:
    _, *drawn = interactive_reliability(BINS).data
    for line, bins in zip(drawn, BINS.values(), strict=True):
        assert list(line.y) == [one.accuracy for one in bins if one.images]
        assert sum(int(text.split()[0]) for text in line.text) == 200
