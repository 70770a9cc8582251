import pytest

from automl.figures.search.effort import TrialEffort, effort_chart, unit_of
from tests.figures.layout import is_cut_off, legend_labels

EFFORTS = [
    TrialEffort(0, "complete", 60, 0),
    TrialEffort(1, "pruned", 20, 30),
    TrialEffort(2, "failed", 5, 0),
]


def test_what_was_saved_stands_on_what_was_trained() -> None:
    bars = [bar.get_bbox().bounds for bar in effort_chart(EFFORTS).axes[0].patches]  # type: ignore[attr-defined]
    assert [(x + width / 2, bottom, height) for x, bottom, width, height in bars] == [
        (0, 0, 60),
        (1, 0, 20),
        (2, 0, 5),
        (1, 20, 30),
    ]
    assert legend_labels(effort_chart(EFFORTS)) == [
        "complete trial",
        "pruned trial",
        "failed trial",
        "saved by pruning",
    ]


@pytest.mark.parametrize(("seconds", "unit"), [(100, "seconds"), (150, "minutes"), (7_300, "hours")])
def test_unit_is_one_that_people_can_read(seconds: float, unit: str) -> None:
    assert unit_of([TrialEffort(0, "pruned", seconds / 2, seconds / 2)])[0] == unit


def test_unit_scales_the_bars() -> None:
    axes = effort_chart([TrialEffort(0, "complete", 9_000, 0)]).axes[0]
    assert axes.patches[0].get_height() == 2.5  # type: ignore[attr-defined]
    assert axes.get_ylabel() == "device hours"


@pytest.mark.parametrize("efforts", [[], EFFORTS[:1], EFFORTS])
def test_nothing_is_cut_off(efforts: list[TrialEffort]) -> None:
    assert not is_cut_off(effort_chart(efforts))
