"""benchmarks/overhead.py measures methods by their names; one that was renamed would end it after minutes."""

from __future__ import annotations

import pytest

from benchmarks.overhead import STEPS


@pytest.mark.parametrize("step", STEPS)
def test_each_step_is_a_method_that_exists(step: str) -> None:
    owner, attribute = STEPS[step]
    assert callable(getattr(owner, attribute))
