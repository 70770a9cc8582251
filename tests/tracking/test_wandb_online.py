import json
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from automl.tracking.wandb_runs import ByClass, RunTracker, TrialEnd
from tests.tracking.results import epoch_result
from tests.tracking.wandb_files import read_run
from tests.tracking.wandb_server import WandbServer

PATIENCE_SECONDS = 60
EPOCHS = list(range(5))


@pytest.fixture
def server() -> Iterator[WandbServer]:
    with WandbServer() as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield server
        server.answering.set()
        server.shutdown()


def tracker(folder: Path, server: WandbServer, warnings: list[str], *, key: str = "0123456789" * 4) -> RunTracker:
    server_and_key = {"WANDB_BASE_URL": server.url, "WANDB_API_KEY": key, "WANDB_ERROR_REPORTING": "false"}
    environment = dict(os.environ) | server_and_key
    return RunTracker(
        folder=folder, study="faces", study_uid="faces-0", mode="online", environment=environment, warn=warnings.append
    )


def track_one_trial(runs: RunTracker, number: int, *, state: TrialEnd = "complete") -> None:
    runs.start(trial_number=number, run_id=f"id-{number}", config={"width": 32}, tags=["digits"])
    for epoch in EPOCHS:
        runs.log(epoch_result(epoch))
    runs.finish(state=state, summary={"best_value": 0.75})


def wait_for_run(server: WandbServer, run_id: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while run_id not in server.runs:
        assert time.monotonic() < deadline, "the server has not heard of the run"
        time.sleep(0.05)


def epochs_in(path: Path) -> list[int]:
    return [line["epoch"] for line in read_run(path).history]


def test_server_gets_every_epoch_the_recipe_and_the_state(tmp_path: Path, server: WandbServer) -> None:
    warnings: list[str] = []
    runs = tracker(tmp_path, server, warnings)
    track_one_trial(runs, 0)
    track_one_trial(runs, 1, state="failed")
    runs.close(timeout_seconds=PATIENCE_SECONDS)

    assert warnings == []
    assert server.exit_codes == {"id-0": 0, "id-1": 1}
    assert [line["epoch"] for line in server.history["id-0"]] == EPOCHS
    run = server.runs["id-1"]
    assert (run["project"], run["groupName"], run["displayName"]) == ("automl", "faces", "faces-1")
    assert json.loads(run["config"])["width"]["value"] == 32


def test_server_is_offered_the_model_and_the_tables(tmp_path: Path, server: WandbServer) -> None:
    """The server says that it has the files already: how wandb's client uploads bytes is not tested here."""
    warnings: list[str] = []
    runs = tracker(tmp_path, server, warnings)
    runs.start(trial_number=0, run_id="id-0", config={})
    runs.log(epoch_result(0))
    model = runs.model_path("id-0")
    model.write_bytes(b"a model")
    runs.finish(state="complete", summary={}, classes=ByClass(np.array([[3, 1], [0, 4]]), ["a", "b"]), model=model)
    runs.close(timeout_seconds=PATIENCE_SECONDS)

    assert warnings == []
    offered = {(one["artifactTypeName"], one["artifactCollectionName"]) for one in server.created}
    assert ("model", "faces-0") in offered
    assert ("run_table", "run-id-0-class_report") in offered
    assert not model.exists()
    assert server.exit_codes == {"id-0": 0}


def test_server_lost_in_mid_run_costs_one_warning_and_no_epoch(tmp_path: Path, server: WandbServer) -> None:
    warnings: list[str] = []
    runs = tracker(tmp_path, server, warnings)
    runs.start(trial_number=0, run_id="id-0", config={})
    wait_for_run(server, "id-0")
    server.answering.clear()
    for epoch in EPOCHS:
        runs.log(epoch_result(epoch))
    runs.finish(state="complete", summary={})
    track_one_trial(runs, 1)
    runs.close(timeout_seconds=12)

    [warning] = warnings
    assert "wandb does not take this worker's runs (no answer before the worker's end)" in warning
    [online_path] = tmp_path.glob("wandb/run-*/*.wandb")
    [offline_path] = tmp_path.glob("wandb/offline-run-*/*.wandb")
    assert (epochs_in(online_path), epochs_in(offline_path)) == (EPOCHS, EPOCHS)


def test_server_that_answers_nonsense_costs_one_warning_and_not_the_next_trial(
    tmp_path: Path, server: WandbServer
) -> None:
    server.nonsense = True
    warnings: list[str] = []
    runs = tracker(tmp_path, server, warnings)
    track_one_trial(runs, 0)
    track_one_trial(runs, 1)
    runs.close(timeout_seconds=PATIENCE_SECONDS)

    assert len(warnings) == 1
    [offline_path] = tmp_path.glob("wandb/offline-run-*-id-1/*.wandb")
    assert epochs_in(offline_path) == EPOCHS


@pytest.mark.parametrize("key", ["too-short", "with a space in it 0123456789012345678901234567890", ""])
def test_unusable_key_is_not_repeated_in_the_one_warning(tmp_path: Path, server: WandbServer, key: str) -> None:
    warnings: list[str] = []
    runs = tracker(tmp_path, server, warnings, key=key)
    track_one_trial(runs, 0)
    track_one_trial(runs, 1)
    runs.close(timeout_seconds=PATIENCE_SECONDS)

    [warning] = warnings
    assert warning.startswith("wandb does not take this worker's runs (")
    assert not key or key not in warning
    assert [epochs_in(path) for path in tmp_path.glob("wandb/offline-run-*/*.wandb")] == [EPOCHS, EPOCHS]
    assert server.runs == {}
