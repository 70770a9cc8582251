from __future__ import annotations

import pytest

from automl.figures.interactive.plotly_trade_off import interactive_trade_off
from automl.figures.search.trade_off import PRICES, Priced, pareto_front, trade_off_chart
from tests.figures.layout import legend_labels

PRICED = [
    Priced("a", 0.80, 1_000, 0.5),
    Priced("b", 0.90, 10_000, 2.0),
    Priced("c", 0.85, 20_000, 1.0),
    Priced("d", 0.90, 30_000, 4.0),
    Priced("e", 0.95, 90_000, None),
]


def test_front_holds_what_nothing_cheaper_or_as_cheap_beats() -> None:
    by_size, by_time = (pareto_front(PRICED, price, maximize=True) for price in PRICES)
    assert [one.label for one in by_size] == ["a", "b", "e"]
    assert [one.label for one in by_time] == ["a", "c", "b"]


def test_front_of_a_loss_goes_down() -> None:
    front = pareto_front(PRICED, PRICES[0], maximize=False)
    assert [one.label for one in front] == ["a"]


@pytest.mark.parametrize("limits", [(None, None), (50_000, 3.0)])
def test_both_forms_show_each_known_price_and_its_limit(limits: tuple[float | None, float | None]) -> None:
    drawn = trade_off_chart(PRICED, value_label="accuracy", maximize=True, limits=limits)
    shown = interactive_trade_off(PRICED, value_label="accuracy", maximize=True, limits=limits)
    assert [axes.get_xlabel() for axes in drawn.axes] == ["parameters", "milliseconds an image"]
    assert len(shown.layout.shapes) == sum(limit is not None for limit in limits)
    assert [trace.name for trace in shown.data] == ["trial", "Pareto front"] * 2


def test_limit_of_the_second_panel_is_in_the_legend() -> None:
    drawn = trade_off_chart(PRICED, value_label="accuracy", maximize=True, limits=(None, 1.0))
    assert legend_labels(drawn) == ["trial", "Pareto front", "limit"]


def test_price_that_no_trial_knows_has_no_panel() -> None:
    older = [Priced("a", 0.8, 1_000, None)]
    drawn = trade_off_chart(older, value_label="accuracy", maximize=True, limits=(None, 1.0))
    assert [axes.get_xlabel() for axes in drawn.axes] == ["parameters"]
