import pytest

from automl.figures.search.importances import MOST_SHOWN, Importance, importance_chart, per_cent
from tests.figures.layout import is_cut_off

MANY = [Importance(f"augmentation_strength_{number}", 0.5 / 2**number) for number in range(20)]


def test_bars_are_the_shares_in_their_order_from_the_top() -> None:
    axes = importance_chart([Importance("learning_rate", 0.7), Importance("depth", 0.3)]).axes[0]
    assert [bar.get_width() for bar in axes.patches] == [0.7, 0.3]  # type: ignore[attr-defined]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["learning rate", "depth"]
    assert axes.yaxis_inverted()


def test_more_than_fifteen_are_left_out() -> None:
    assert len(importance_chart(MANY).axes[0].patches) == MOST_SHOWN == 15


@pytest.mark.parametrize(("share", "text"), [(0, "0 %"), (0.004, "<1 %"), (0.126, "13 %"), (1, "100 %")])
def test_shares_are_written_in_per_cent(share: float, text: str) -> None:
    assert per_cent(share) == text


@pytest.mark.parametrize("importances", [MANY[:1], MANY])
def test_nothing_is_cut_off(importances: list[Importance]) -> None:
    assert not is_cut_off(importance_chart(importances))
