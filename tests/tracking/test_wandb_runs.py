import dataclasses
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pytest

from automl.recipe import Recipe
from automl.tracking.wandb_mode import Mode
from automl.tracking.wandb_runs import ByClass, RunTracker, TrialEnd
from tests.tracking.results import epoch_result
from tests.tracking.wandb_files import WrittenRun, read_run, read_runs

PATIENCE_SECONDS = 60


def tracker(folder: Path, warnings: list[str], *, mode: Mode = "offline") -> RunTracker:
    return RunTracker(folder=folder, study="faces", study_uid="faces-0", mode=mode, warn=warnings.append)


def track_one_trial(runs: RunTracker, *, number: int = 0, epochs: int = 3, state: TrialEnd = "complete") -> None:
    runs.start(trial_number=number, run_id=f"id-{number}", config=Recipe().as_dict(), tags=["a tag"])
    for epoch in range(epochs):
        runs.log(epoch_result(epoch))
    runs.finish(state=state, summary={"best_value": 0.75})


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


def wandb_process(folder: Path) -> psutil.Process:
    """The one that this test's tracker started; those of earlier tests may still be about to end."""
    [process] = [child for child in psutil.Process().children() if str(folder) in _command(child)]
    return process


def _command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:  # ended meanwhile, or a zombie
        return ""


def test_offline_files_hold_every_epoch_of_every_trial(tmp_path: Path) -> None:
    warnings: list[str] = []
    runs = tracker(tmp_path, warnings)
    for number in range(2):
        track_one_trial(runs, number=number, epochs=40)
    runs.close(timeout_seconds=PATIENCE_SECONDS)

    written = read_runs(tmp_path)
    assert sorted(written) == ["id-0", "id-1"]
    for run in written.values():
        figures = [{name: value for name, value in line.items() if name[0] != "_"} for line in run.history]
        assert figures == [dataclasses.asdict(epoch_result(epoch)) for epoch in range(40)]
    assert warnings == []


def test_run_carries_study_name_recipe_and_best_value(tmp_path: Path) -> None:
    runs = tracker(tmp_path, [])
    track_one_trial(runs, number=12)
    runs.close(timeout_seconds=PATIENCE_SECONDS)

    run = read_runs(tmp_path)["id-12"]
    assert (run.name, run.group, run.project) == ("faces-12", "faces", "automl")
    assert {name: value for name, value in run.config.items() if name != "_wandb"} == Recipe().as_dict()
    assert (run.summary["state"], run.summary["best_value"], run.summary["epoch"]) == ("complete", 0.75, 2)


@pytest.mark.parametrize(
    ("state", "exit_code", "preempting"),
    [("complete", 0, False), ("pruned", 0, False), ("failed", 1, False), ("requeued", 1, True)],
)
def test_state_decides_how_wandb_shows_the_end(
    tmp_path: Path, state: TrialEnd, exit_code: int, preempting: bool
) -> None:
    runs = tracker(tmp_path, [])
    track_one_trial(runs, state=state)
    runs.close(timeout_seconds=PATIENCE_SECONDS)

    run = read_runs(tmp_path)["id-0"]
    assert (run.summary["state"], run.exit_code, run.preempting) == (state, exit_code, preempting)


def test_matrix_and_report_of_the_classes_are_tables_of_the_run(tmp_path: Path) -> None:
    runs = tracker(tmp_path, [])
    runs.start(trial_number=0, run_id="id-0", config={}, tags=["digits"])
    runs.log(epoch_result(0))
    classes = ByClass(np.array([[3, 1], [0, 4]]), ["cat", "dog"])
    runs.finish(state="pruned", summary={"reason": "the median pruner stopped it"}, classes=classes)
    runs.close(timeout_seconds=PATIENCE_SECONDS)

    run = read_runs(tmp_path)["id-0"]
    tables = {name: table_of(tmp_path, run, name) for name in ("confusion_matrix_table", "class_report")}
    assert tables["confusion_matrix_table"] == [["cat", "cat", 3], ["cat", "dog", 1], ["dog", "dog", 4]]
    assert tables["class_report"][0] == ["cat", 1.0, 0.75, pytest.approx(6 / 7), 4]
    assert [row[0] for row in tables["class_report"]] == ["cat", "dog", "macro avg", "weighted avg"]
    assert (run.summary["state"], run.summary["reason"]) == ("pruned", "the median pruner stopped it")
    assert run.tags == ["digits", "pruned"]


def test_ended_process_leaves_no_temporary_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    runs = tracker(tmp_path / "home", [])
    wait_for(lambda: any(temporary.iterdir()))
    runs.start(trial_number=0, run_id="id-0", config={}, tags=[])
    runs.finish(state="complete", summary={}, classes=ByClass(np.array([[3, 1], [0, 4]]), ["cat", "dog"]))
    runs.close(timeout_seconds=PATIENCE_SECONDS)
    assert [path.name for path in temporary.rglob("*")] == []
    assert read_runs(tmp_path / "home")["id-0"].exit_code == 0


def table_of(folder: Path, run: WrittenRun, name: str) -> list[list[object]]:
    """Rows of a table that the last line of the run's history names."""
    entry = run.history[-1]
    place = entry[name]["path"] if name in entry else entry[f"{name}.path"]
    [path] = folder.glob(f"wandb/offline-run-*/files/{place}")
    rows: list[list[object]] = json.loads(path.read_text())["data"]
    return rows


def test_project_of_the_environment_is_honoured(tmp_path: Path) -> None:
    environment = dict(os.environ) | {"WANDB_PROJECT": "from-environment"}
    runs = RunTracker(
        folder=tmp_path, study="faces", study_uid="faces-0", mode="offline", environment=environment, warn=print
    )
    track_one_trial(runs)
    runs.close(timeout_seconds=PATIENCE_SECONDS)
    assert read_runs(tmp_path)["id-0"].project == "from-environment"


def test_variables_of_a_sweep_that_started_the_worker_do_not_merge_its_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_RUN_ID", "of-the-sweep")
    monkeypatch.setenv("WANDB_SWEEP_ID", "a-sweep")
    monkeypatch.setenv("WANDB_RESUME", "must")
    monkeypatch.setenv("WANDB_DIR", str(tmp_path / "elsewhere"))
    runs = tracker(tmp_path, [])
    track_one_trial(runs)
    runs.close(timeout_seconds=PATIENCE_SECONDS)
    assert list(read_runs(tmp_path)) == ["id-0"]
    assert not (tmp_path / "elsewhere").exists()


def test_worker_prints_nothing_and_leaves_the_current_folder_alone(tmp_path: Path) -> None:
    current, home = tmp_path / "current", tmp_path / "home"
    current.mkdir()
    environment = dict(os.environ) | {"PYTHONPATH": str(Path.cwd()), "HOME": str(tmp_path / "user")}
    command = [sys.executable, "-m", "tests.tracking.worker", str(home), "3", "close"]
    done = subprocess.run(command, cwd=current, env=environment, capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"", b"")
    assert list(current.iterdir()) == []
    assert not (tmp_path / "user").exists()
    assert list(read_runs(home)) == ["seven"]


@pytest.mark.parametrize("end", ["kill", "forget"])
def test_killed_or_forgetful_worker_leaves_every_epoch_and_no_process(tmp_path: Path, end: str) -> None:
    started = time.monotonic()
    worker = subprocess.run([sys.executable, "-m", "tests.tracking.worker", str(tmp_path), "20", end], check=False)
    assert worker.returncode == (-9 if end == "kill" else 0)
    assert time.monotonic() - started < PATIENCE_SECONDS

    wait_for(lambda: "seven" in read_runs(tmp_path) and read_runs(tmp_path)["seven"].exit_code is not None)
    run = read_runs(tmp_path)["seven"]
    assert [line["epoch"] for line in run.history] == list(range(20))
    assert (run.summary["state"], run.exit_code) == ("lost", 1)


def test_kill_of_everything_loses_at_most_the_last_second(tmp_path: Path) -> None:
    runs = tracker(tmp_path, [])
    runs.start(trial_number=0, run_id="id-0", config={})
    wait_for(lambda: list(tmp_path.glob("wandb/offline-run-*/*.wandb")) != [])
    logged_at = []
    for epoch in range(30):
        logged_at.append(time.monotonic())
        runs.log(epoch_result(epoch))
        time.sleep(0.1)
    process = wandb_process(tmp_path)
    victims = [process, *process.children(recursive=True)]
    killed_at = time.monotonic()
    for victim in victims:
        victim.kill()
    psutil.wait_procs(victims[1:])
    runs.close(timeout_seconds=PATIENCE_SECONDS)

    safe = sum(moment < killed_at - 1 for moment in logged_at)
    assert 0 < safe <= len(only_run(tmp_path).history)


def test_worker_goes_on_with_one_warning_when_the_wandb_process_dies(tmp_path: Path) -> None:
    warnings: list[str] = []
    runs = tracker(tmp_path, warnings)
    wandb_process(tmp_path).kill()
    wait_for(lambda: warnings != [])
    track_one_trial(runs)
    runs.close(timeout_seconds=PATIENCE_SECONDS)
    assert warnings == [
        "The wandb process ended with exit code -9: this worker's trials go on without wandb. "
        f"The reason is in {tmp_path}/wandb/process.log"
    ]


def test_folder_that_cannot_be_made_is_one_warning(tmp_path: Path) -> None:
    (tmp_path / "wandb").write_text("a file in the way")
    warnings: list[str] = []
    runs = tracker(tmp_path, warnings)
    track_one_trial(runs)
    runs.close(timeout_seconds=PATIENCE_SECONDS)
    assert warnings == [
        f"wandb cannot start in {tmp_path}/wandb ([Errno 20] Not a directory: '{tmp_path}/wandb'): "
        "this worker's trials go on without it."
    ]


def test_disabled_writes_nothing_and_starts_no_thread(tmp_path: Path) -> None:
    threads = threading.active_count()
    runs = tracker(tmp_path, [], mode="disabled")
    track_one_trial(runs)
    assert threading.active_count() == threads
    runs.close(timeout_seconds=PATIENCE_SECONDS)
    assert list(tmp_path.iterdir()) == []


def only_run(folder: Path) -> WrittenRun:
    [path] = folder.glob("wandb/*run-*/*.wandb")
    return read_run(path)
