import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.figures.search.parallel import (
    NOT_LIVE,
    ParallelAxis,
    Value,
    goodness_of,
    parallel_axis,
    parallel_coordinates,
    text_of,
)
from tests.figures.layout import is_cut_off

VALUES = parallel_axis("validation accuracy", [0.9, 0.7, 0.8])


def test_words_and_few_numbers_stand_at_equal_distances() -> None:
    assert list(parallel_axis("width", [64, 16, 24]).positions) == [1, 0, 0.5]
    axis = parallel_axis("block", ["plain", "residual", "plain"])
    assert axis == ParallelAxis("block", (0, 1, 0), ((0, "plain"), (1, "residual")))


def test_trial_without_the_parameter_passes_below_the_axis() -> None:
    axis = parallel_axis("width", [16, None, 32])
    assert list(axis.positions) == [0, NOT_LIVE, 1]
    assert axis.ticks == ((NOT_LIVE, "none"), (0, "16"), (1, "32"))


def test_numbers_that_span_much_are_spread_by_their_logarithm() -> None:
    values = [1e-4, 1e-3, 1e-2, 1e-1, 2e-4, 3e-4, 4e-4]
    axis = parallel_axis("weight_decay", values)
    assert axis.positions == pytest.approx([math.log10(value / 1e-4) / 3 for value in values])
    assert {text: position for position, text in axis.ticks}["0.001"] == pytest.approx(1 / 3)


@given(st.lists(st.floats(-1e6, 1e6) | st.none(), min_size=1, max_size=40))
def test_positions_keep_the_order_of_the_numbers(values: list[Value | None]) -> None:
    axis = parallel_axis("x", values)
    positions = [(value, position) for value, position in zip(values, axis.positions, strict=True) if value is not None]
    assert all(0 <= position <= 1 for _, position in positions)
    assert [position for _, position in sorted(positions)] == sorted(position for _, position in positions)
    assert all(position == NOT_LIVE for value, position in zip(values, axis.positions, strict=True) if value is None)
    assert all(position == NOT_LIVE or 0 <= position <= 1 for position, _ in axis.ticks)


def test_better_trials_have_higher_ranks() -> None:
    assert goodness_of(VALUES, maximize=True) == [1, 0, 0.5]
    assert goodness_of(VALUES, maximize=False) == [0, 1, 0.5]


def test_every_trial_is_a_line_through_its_positions_the_best_on_top() -> None:
    axes = parallel_coordinates([parallel_axis("depth", [1, 2, 0]), VALUES], maximize=True).axes[0]
    lines = [np.asarray(line.get_ydata()).tolist() for line in axes.lines[:3]]
    assert lines == [[1, 0], [0, 0.5], [0.5, 1]]


@pytest.mark.parametrize(
    ("value", "text"), [(True, "yes"), (1024, "1024"), (0.00123456, "0.00123"), ("one_cycle", "one cycle")]
)
def test_values_are_written_as_people_write_them(value: Value, text: str) -> None:
    assert text_of(value) == text


def test_nothing_is_cut_off() -> None:
    names = [f"augmentation_strength_{number}" for number in range(12)]
    axes = [parallel_axis(name, [0.001 * 3**n if n else None for n in range(9)]) for name in names]
    value = parallel_axis("validation balanced accuracy", [n / 10 for n in range(9)])
    assert not is_cut_off(parallel_coordinates([*axes, value], maximize=True))
