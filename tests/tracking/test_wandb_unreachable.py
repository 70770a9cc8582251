"""wandb online against servers of this machine that cannot be used: nothing is ever uploaded in a test."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from automl.tracking.wandb_runs import RunTracker
from tests.tracking.results import epoch_result
from tests.tracking.wandb_files import read_runs

KEY = "0123456789" * 4
CALL_SECONDS = 0.5
"""Bound on all calls of three trials of 40 epochs together; they take 3 ms on two idle cores."""
CLOSE_SECONDS = 16
"""Half of it is for saving, which takes 1 s on two idle cores."""


@pytest.fixture
def silent_server() -> Iterator[socket.socket]:
    """Takes connections (the kernel does, into the backlog) and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield server


@pytest.fixture
def refusing_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


@pytest.fixture(params=["refuses", "never answers"])
def server_url(request: pytest.FixtureRequest, silent_server: socket.socket, refusing_port: int) -> str:
    port = refusing_port if request.param == "refuses" else silent_server.getsockname()[1]
    return f"http://127.0.0.1:{port}"


@pytest.fixture(autouse=True)
def key_for_nobody(monkeypatch: pytest.MonkeyPatch, server_url: str) -> None:
    monkeypatch.setenv("WANDB_BASE_URL", server_url)
    monkeypatch.setenv("WANDB_API_KEY", KEY)
    monkeypatch.setenv("WANDB_ERROR_REPORTING", "false")


def track_three_trials(runs: RunTracker) -> None:
    for number in range(3):
        runs.start(trial_number=number, run_id=f"id-{number}", config={"width": 32})
        for epoch in range(40):
            runs.log(epoch_result(epoch))
        runs.finish(state="complete", summary={"best_value": 0.75})


def test_trials_do_not_wait_and_their_files_are_complete_and_without_the_key(tmp_path: Path) -> None:
    warnings: list[str] = []
    started = time.monotonic()
    runs = RunTracker(folder=tmp_path, study="faces", study_uid="faces-0", mode="online", warn=warnings.append)
    track_three_trials(runs)
    assert time.monotonic() - started < CALL_SECONDS

    closing = time.monotonic()
    runs.close(timeout_seconds=CLOSE_SECONDS)
    assert time.monotonic() - closing < CLOSE_SECONDS + 1

    written = read_runs(tmp_path)
    assert sorted(written) == ["id-0", "id-1", "id-2"]
    assert all([line["epoch"] for line in run.history] == list(range(40)) for run in written.values())
    assert warnings == [
        "wandb does not take this worker's runs (no answer before the worker's end): from here on they stay on this "
        f"machine. Upload them later with: wandb sync --include-online {tmp_path}/wandb/*run-*"
    ]
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path for path in files if KEY.encode() in path.read_bytes()] == []


def test_time_to_close_is_kept_even_when_it_is_too_short_to_save(tmp_path: Path) -> None:
    runs = RunTracker(folder=tmp_path, study="faces", study_uid="faces-0", mode="online", warn=lambda sentence: None)
    track_three_trials(runs)
    closing = time.monotonic()
    runs.close(timeout_seconds=0.2)
    assert time.monotonic() - closing < 0.2 + 1 + CALL_SECONDS


def test_worker_that_forgets_to_close_exits_at_once(tmp_path: Path) -> None:
    program = (
        "from pathlib import Path; from automl.tracking.wandb_runs import RunTracker\n"
        f"folder = Path({str(tmp_path)!r})\n"
        "runs = RunTracker(folder=folder, study='faces', study_uid='faces-0', mode='online', warn=print)\n"
        "runs.start(trial_number=0, run_id='id-0', config={})"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=10)


@pytest.mark.parametrize("server_url", ["never answers"], indirect=True)
def test_offline_asks_no_server(tmp_path: Path, silent_server: socket.socket) -> None:
    runs = RunTracker(folder=tmp_path, study="faces", study_uid="faces-0", mode="offline", warn=print)
    track_three_trials(runs)
    runs.close(timeout_seconds=60)
    assert len(read_runs(tmp_path)) == 3
    silent_server.setblocking(False)
    with pytest.raises(BlockingIOError):
        silent_server.accept()
