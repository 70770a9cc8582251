from __future__ import annotations

import pytest
from scipy import stats

from automl.confirmation.means import mean_interval, welch

FIRST, SECOND = [0.91, 0.92, 0.905], [0.9, 0.89, 0.88, 0.9]


def test_interval_is_that_of_student_s_t() -> None:
    expected = stats.t.interval(0.95, len(FIRST) - 1, loc=sum(FIRST) / len(FIRST), scale=stats.sem(FIRST))
    assert mean_interval(FIRST) == pytest.approx(expected)


def test_comparison_is_scipy_s_test_of_unequal_variances() -> None:
    found, expected = welch(FIRST, SECOND), stats.ttest_ind(FIRST, SECOND, equal_var=False)
    assert found is not None
    assert (found.t, found.degrees_of_freedom, found.p_value) == pytest.approx(
        (expected.statistic, expected.df, expected.pvalue)
    )


@pytest.mark.parametrize("values", [[0.9], [0.9, 0.9, 0.9]])
def test_without_a_spread_nothing_is_said(values: list[float]) -> None:
    assert mean_interval(values) is None
    assert welch(values, values) is None
