import numpy as np
import pytest

from automl.figures.search.forecasts import ForecastPace, forecast_chart, median_ratio
from tests.figures.layout import is_cut_off, legend_labels

PACES = [ForecastPace(0, 1.0, 1.2), ForecastPace(1, 10.0, 8.0), ForecastPace(2, 0.1, 0.2)]


def test_close_is_within_three_tenths_and_the_median_counts() -> None:
    assert [pace.is_close for pace in PACES] == [True, True, False]
    assert median_ratio(PACES) == pytest.approx(1.2)


def test_every_trial_is_a_point_beside_the_line_of_agreement() -> None:
    figure = forecast_chart(PACES)
    axes = figure.axes[0]
    line = next(line for line in axes.lines if line.get_label() == "as forecast")
    assert np.asarray(line.get_xdata()).tolist() == np.asarray(line.get_ydata()).tolist()
    points = next(drawn for drawn in axes.collections if drawn.get_label() == "trial")
    assert np.asarray(points.get_offsets()).tolist() == [[pace.forecast, pace.real] for pace in PACES]
    assert axes.get_xlim() == axes.get_ylim()
    assert legend_labels(figure) == ["within 30%", "as forecast", "trial"]
    assert not is_cut_off(figure)
