from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.artifacts.checkpoints import CHECKPOINT_SHARE, MOST_REPEATED_SECONDS, Checkpoints
from automl.artifacts.store import PARTIAL, FolderStore
from automl.queue.claims import Claim
from automl.training.loop import Training

EPOCHS = 300


def saved(epoch_seconds: float, saving_seconds: float) -> tuple[float, float]:
    """Share of the time that saving takes in a long run, and the most training that a kill can cost."""
    now = [0.0]
    checkpoints = Checkpoints(FolderStore(Path("unused")), "study", Claim(1, 0, 0), clock=lambda: now[0])
    saves, at_stake, worst = 0, 0.0, 0.0
    for _ in range(EPOCHS):
        now[0] += epoch_seconds
        at_stake += epoch_seconds
        worst = max(worst, at_stake)
        if checkpoints.is_due(epoch_seconds):
            now[0] += saving_seconds
            checkpoints._saved_at, checkpoints._saving_seconds = now[0], saving_seconds
            saves, at_stake = saves + 1, 0.0
    return saves * saving_seconds / now[0], worst


@given(epoch_seconds=st.floats(0.01, 900), saving_seconds=st.floats(0.001, 20))
def test_a_kill_costs_an_epoch_or_half_a_minute_at_most(epoch_seconds: float, saving_seconds: float) -> None:
    _, worst = saved(epoch_seconds, saving_seconds)
    assert worst <= max(epoch_seconds, MOST_REPEATED_SECONDS) + 1e-6


@given(epoch_seconds=st.floats(0.5, 900), saving_seconds=st.floats(0.001, 0.3))
def test_saving_takes_a_small_share_of_the_time(epoch_seconds: float, saving_seconds: float) -> None:
    share, _ = saved(epoch_seconds, saving_seconds)
    first = saving_seconds / (EPOCHS * epoch_seconds)  # the first epoch is saved in any case
    assert share <= CHECKPOINT_SHARE + first + 1e-9


def test_store_that_keeps_a_checkpoint_waiting_in_vain_is_not_tried_again_at_the_next_epoch(tmp_path: Path) -> None:
    (tmp_path / PARTIAL).touch()  # a file where its folder should be refuses every write
    times = iter((0.0, 100.0, 160.0, 161.0, 190.0))  # made, tried for 60 s, and asked twice
    checkpoints = Checkpoints(FolderStore(tmp_path), "study", Claim(1, 0, 0), clock=lambda: next(times))
    with pytest.raises(FileExistsError, match=PARTIAL):
        checkpoints.save(cast("Training", None), epochs=())  # which is not looked at before there is a file
    assert not checkpoints.is_due(1.0)
    assert checkpoints.is_due(1.0)
