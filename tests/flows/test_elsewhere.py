"""Workers on several machines: each has a home of its own, and what they share is the database, or a bucket as well."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from automl.artifacts.opening import open_artifacts
from automl.artifacts.store import PARTIAL
from tests.conftest import Bucket
from tests.worker_service import Service

SPACE = """\
parameters:
  depth: {value: 1}
  width: {value: 8}
  batch_size: {value: 128}
  epochs: {value: 6}
"""


@pytest.fixture
def machines(postgres_url: str) -> Iterator[tuple[Service, Service]]:
    """Two machines on one database."""
    with tempfile.TemporaryDirectory(prefix="automl-tests-") as folder:
        opened = []
        for name in ("here", "elsewhere"):
            Path(folder, name).mkdir()
            opened.append(Service(postgres_url, Path(folder, name)))
        yield opened[0], opened[1]
        for machine in opened:
            for process in machine.processes:
                if process.poll() is None:
                    process.kill()
                process.communicate()
            machine.engine.dispose()


def give_back_here_and_finish_elsewhere(here: Service, elsewhere: Service) -> tuple[str, dict[str, Any]]:
    """What the second worker said, and the trial."""
    here.create("--trials", "1", space=SPACE)
    first = here.worker()
    here.wait_until(lambda: here.epochs_done() >= 2, seconds=200)
    first.send_signal(signal.SIGTERM)
    assert first.wait(120) == 0
    second = elsewhere.worker()
    _, said = second.communicate(timeout=240)
    assert second.returncode == 0, said
    return said, here.shown(0)


def test_a_trial_goes_on_from_the_bucket_and_its_model_is_exported_from_there(
    machines: tuple[Service, Service], bucket: Bucket
) -> None:
    here, elsewhere = machines
    for machine in machines:
        machine.environment |= bucket.environment | {"AUTOML_ARTIFACTS": bucket.address}
    said, trial = give_back_here_and_finish_elsewhere(here, elsewhere)
    assert "began again" not in said
    assert (trial["state"], trial["attempt"], trial["began_again"]) == ("complete", 1, None)
    assert not list(here.folder.rglob("artifacts"))
    exported = json.loads(here.run("best", "s", "--export", "model.pt", "--json"))
    assert exported["number"] == 0
    assert (here.folder / "model.pt").exists()
    store = open_artifacts(bucket.address, bucket.environment)
    assert len(store.names("")) == 3  # weights and two pictures: no checkpoint is left
    here.run("delete", "s", "--yes")
    assert store.names("") == []


def test_a_worker_that_cannot_reach_the_checkpoint_begins_again_and_says_so(
    machines: tuple[Service, Service],
) -> None:
    here, elsewhere = machines
    said, trial = give_back_here_and_finish_elsewhere(here, elsewhere)
    sentence = (
        "Attempt 2 began again at epoch 0: no checkpoint of an earlier one could be read in "
        f"{elsewhere.folder}/home/artifacts"
    )
    assert f"trial 0: {sentence}" in said
    assert (trial["state"], trial["began_again"]) == ("complete", sentence)
    assert [epoch["epoch"] for epoch in trial["epochs"]] == list(range(6))
    assert f"note      {sentence}." in here.run("show", "0", "s")


def test_a_worker_whose_bucket_is_not_there_stops_before_it_takes_a_trial(
    machines: tuple[Service, Service], bucket: Bucket
) -> None:
    here, elsewhere = machines
    here.create("--trials", "1", space=SPACE)
    elsewhere.environment |= bucket.environment | {"AUTOML_ARTIFACTS": "s3://nobodys-bucket/x"}
    worker = elsewhere.worker()
    _, said = worker.communicate(timeout=240)
    assert worker.returncode == 2, said
    assert "automl: Cannot use s3://nobodys-bucket/x: " in said
    assert "Traceback" not in said
    assert here.states() == []


def test_a_mount_that_is_out_of_reach_costs_no_trial(machines: tuple[Service, Service], tmp_path: Path) -> None:
    """A file where its folder should be refuses every write, to root as well, as a stale mount does."""
    here, _ = machines
    here.environment["AUTOML_ARTIFACTS"] = str(tmp_path)
    (tmp_path / PARTIAL).touch()
    here.create("--trials", "1", space=SPACE)
    worker = here.worker()
    _, said = worker.communicate(timeout=240)
    assert worker.returncode == 2, said
    sentence = f"Cannot use {tmp_path}: [Errno 17] File exists: '{tmp_path / PARTIAL}'."
    assert f"trial 0 goes on without a checkpoint: {sentence}" in said
    assert f"automl: {sentence} See that the folder is there and can be written." in said
    assert "Traceback" not in said
    trial = here.shown(0)
    assert (trial["state"], trial["attempt"], trial["lost"], trial["failure"]) == ("waiting", 1, 0, "interrupted")
    assert len(trial["epochs"]) == 6


def test_a_bucket_without_boto3_is_refused_with_what_to_install(tmp_path: Path) -> None:
    code = "import sys; sys.modules['boto3'] = None; from automl.cli.main import main; sys.exit(main(sys.argv[1:]))"
    done = subprocess.run(
        [sys.executable, "-c", code, "status", "--artifacts", "s3://bucket/x", "--home", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 2
    assert done.stderr == (
        "automl: Artifacts in s3://bucket/x need boto3, which is not installed: pip install 'optuna-automl[s3]'\n"
    )
