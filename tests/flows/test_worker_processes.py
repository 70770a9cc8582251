"""Worker processes that are asked to stop, killed, started again: nothing is lost, the budget is exact."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from sqlalchemy import text

from automl.storage.embedded import EmbeddedPostgres
from automl.storage.embedded.postmaster import Server
from tests.conftest import clean_environment
from tests.worker_service import SPACE, Service

DIVERGING_NETWORK = """\
from torch import nn
class Overflowing(nn.Linear):
    def forward(self, images):
        return super().forward(images.flatten(1).float()) * 1e38 * 1e38
def build(recipe, image_shape, num_classes):
    return Overflowing(image_shape[0] * image_shape[1] * image_shape[2], num_classes)
"""
HANGING_NETWORK = """\
import ctypes
from torch import nn
library, mutex = ctypes.CDLL(None), ctypes.create_string_buffer(256)
class Hanging(nn.Linear):
    batches = 0
    def forward(self, images):
        self.batches += self.training
        if self.batches > 3 and self.hangs:  # in a call that no signal ends, as one of CUDA's that never returns
            open("hangs", "a").close()
            library.pthread_mutex_lock(mutex)
            library.pthread_mutex_lock(mutex)
        return super().forward(images.flatten(1).float())
def build(recipe, image_shape, num_classes):
    network = Hanging(image_shape[0] * image_shape[1] * image_shape[2], num_classes)
    network.hangs = recipe.width != 16
    return network
"""
BROKEN_NETWORK = "def build(recipe, image_shape, num_classes):\n    raise ZeroDivisionError('of our making')\n"
GREEDY_NETWORK = """\
import gc, weakref
import torch
from torch import nn
networks = weakref.WeakSet()
class Greedy(nn.Linear):
    def forward(self, images):
        if len(images) > self.most and self.training:
            raise torch.OutOfMemoryError(f"no memory for {len(images)} images")
        return super().forward(images.flatten(1).float())
def build(recipe, image_shape, num_classes):
    gc.collect()
    assert not networks, "the network that was too much is still there"
    network = Greedy(image_shape[0] * image_shape[1] * image_shape[2], num_classes)
    network.most = {8: 12, 16: 1, 32: 10**9}[recipe.width]
    networks.add(network)
    return network
"""

WRITES_ONLY = """
import sys

from automl.cli.main import main
from automl.errors import StorageError
from automl.artifacts.store import FolderStore


def refuse(store, name):
    raise StorageError(f"You may not read {name}.")


FolderStore.reading = refuse  # as a bucket does whose key allows no more than to write
sys.exit(main())
"""


KILLED_BEFORE_PUBLISHING = """
import os
import signal
import sys

import automl.worker.publisher
from automl.cli.main import main


def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)


automl.worker.publisher.publish_trial = die
sys.exit(main())
"""


@pytest.fixture
def service(postgres_url: str) -> Iterator[Service]:
    with tempfile.TemporaryDirectory(prefix="automl-tests-") as folder:
        opened = Service(postgres_url, Path(folder))
        yield opened
        for process in opened.processes:
            if process.poll() is None:
                process.kill()
            process.communicate()
        opened.engine.dispose()


def figures(trial: dict[str, Any]) -> list[tuple[float, float]]:
    return [(epoch["train_loss"], epoch["validation_loss"]) for epoch in trial["epochs"]]


@pytest.mark.usefixtures("new_processes")
def test_terminated_worker_requeues_its_trial_and_exits_with_0(service: Service) -> None:
    service.environment["WANDB_MODE"] = "offline"
    service.create("--trials", "1")
    service.interrupt_a_worker(after_epochs=2)
    assert service.states() == ["WAITING"]
    trial = service.shown(0)
    assert (trial["attempt"], trial["lost"], trial["failure"]) == (1, 0, "interrupted")
    assert trial["reason"].startswith("its worker was asked to stop. Interrupted in epoch ")


def test_trial_is_pruned_at_its_time_limit_which_counts_earlier_attempts(service: Service) -> None:
    service.create("--trials", "1", "--epochs", "5000", "--trial-timeout", "5s")
    service.interrupt_a_worker(after_epochs=2)
    (earlier_seconds,) = service.scalars("SELECT seconds FROM automl_trials")
    assert earlier_seconds > 0
    assert service.worker().wait(120) == 0
    trial = service.shown(0)
    assert (trial["state"], trial["failure"], trial["attempt"]) == ("pruned", "out of time", 1)
    assert trial["reason"].startswith("it reached the limit of 5 s a trial. Interrupted in epoch ")
    assert 5 <= trial["seconds"] < 5 + earlier_seconds + 2  # what the tell took, and not the limit once more
    status = json.loads(service.run("status", "s", "--json"))
    assert status["device_seconds"] == pytest.approx(trial["seconds"])
    assert status["trial_seconds"] == 5
    assert re.search(
        r"devices +0\.00 hours on trials, 0\.0% of it left nothing, at most 0:05 on one", service.run("status", "s")
    )


def test_training_that_hangs_fails_its_worker_goes_on_and_obeys_a_stop(service: Service) -> None:
    service.environment["AUTOML_HUNG_SECONDS"] = "8"
    (service.folder / "hanging_network.py").write_text(HANGING_NETWORK)
    first = "first: [{width: 8}, {width: 16}, {width: 32}]\n"
    service.create("--trials", "3", "--model", "hanging_network:build", space=SPACE.replace("12", "2") + first)
    worker, hangs = service.worker(), service.folder / "hangs"
    service.wait_until(hangs.exists)
    hangs.unlink()
    service.wait_until(hangs.exists)
    worker.send_signal(signal.SIGTERM)
    began = time.monotonic()
    assert worker.wait(60) == 0
    assert time.monotonic() - began < 10
    assert service.states() == ["FAIL", "COMPLETE", "WAITING"]
    assert service.shown(0)["failure"] == "hung"
    assert set(service.scalars("SELECT pid FROM automl_workers")) == {worker.pid}


def test_full_disk_stops_the_worker_and_corrupts_nothing(service: Service, small_disk: Path) -> None:
    service.environment["AUTOML_ARTIFACTS"] = str(small_disk)
    service.create("--trials", "1", space=f"{SPACE}  hidden_dim: {{value: 512}}\n")
    worker = service.worker()
    _, said = worker.communicate(timeout=120)
    assert worker.returncode == 2, said
    assert "No space left for what trial 0 stores" in said
    assert "Traceback" not in said
    assert service.states() == ["WAITING"]
    assert service.scalars("SELECT failure FROM automl_trials") == ["disk full"]
    assert [path for path in small_disk.rglob("*") if path.is_file()] == []
    subprocess.run(["mount", "-o", "remount,size=20m", str(small_disk)], check=True)
    assert service.worker().wait(120) == 0
    trial = service.shown(0)
    assert (trial["state"], trial["failure"], len(trial["epochs"])) == ("complete", None, 12)
    assert service.run("best", "s", "--json")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 100 kB."""
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=100k", "none", str(tmp_path)], check=False).returncode:
        pytest.skip("this user may not mount a file system")
    yield tmp_path
    subprocess.run(["umount", "--lazy", str(tmp_path)], check=True)


def test_interrupted_trial_continues_to_the_same_figures_as_an_uninterrupted_one(service: Service) -> None:
    service.create("--trials", "1")
    service.interrupt_a_worker(after_epochs=4)
    checkpoints = list((service.folder / "home" / "artifacts" / "checkpoints").rglob("*.pt"))
    assert len(checkpoints) == 1
    assert service.worker().wait(120) == 0
    trial = service.shown(0)
    assert (trial["state"], trial["attempt"], len(trial["epochs"])) == ("complete", 1, 12)
    (service.folder / "recipe.yaml").write_text(service.run("show", "0", "s", "--recipe"))
    alone = json.loads(service.run("train", "recipe.yaml", "--data", "digits", "--json"))
    assert figures(trial) == figures(alone)
    assert not list((service.folder / "home" / "artifacts" / "checkpoints").rglob("*.pt"))


def test_checkpoint_outlives_a_worker_that_may_not_read_it_and_brings_its_epochs_along(service: Service) -> None:
    service.create("--trials", "1")
    service.interrupt_a_worker(after_epochs=4)
    (checkpoint,) = (service.folder / "home" / "artifacts" / "checkpoints").rglob("*.pt")
    before = checkpoint.read_bytes()
    refused = subprocess.run(
        [sys.executable, "-c", WRITES_ONLY, "worker", "s", "--threads", "1"],
        cwd=service.folder,
        env=service.environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert refused.returncode == 2
    assert "may not read" in refused.stderr
    assert list(checkpoint.parent.iterdir()) == [checkpoint]
    assert checkpoint.read_bytes() == before
    # As in a copy of the study that was read before the checkpoint was written.
    with service.engine.begin() as connection:
        connection.execute(text("DELETE FROM automl_epochs WHERE epoch >= 2"))
        connection.execute(text("DELETE FROM trial_intermediate_values WHERE step >= 2"))
    assert service.worker().wait(120) == 0
    trial = service.shown(0)
    assert (trial["state"], len(trial["epochs"])) == ("complete", 12)
    assert len(service.scalars("SELECT step FROM trial_intermediate_values")) == 12


def test_killed_worker_leaves_no_running_trial(service: Service) -> None:
    service.environment["WANDB_MODE"] = "offline"
    service.create("--trials", "3")
    worker = service.worker()
    service.wait_until(lambda: service.epochs_done() >= 2)
    worker.kill()
    worker.wait()
    assert "RUNNING" in service.states()
    assert service.worker().wait(180) == 0
    assert len(service.states()) == 3
    assert set(service.states()) <= {"COMPLETE", "PRUNED"}
    assert max(service.scalars("SELECT attempt FROM automl_trials")) == 1


def test_what_a_killed_worker_left_unpublished_another_one_publishes(service: Service) -> None:
    service.create("--trials", "2", "--epochs", "2", "--pruner", "none")
    killed = subprocess.run(
        [sys.executable, "-c", KILLED_BEFORE_PUBLISHING, "worker", "s", "--threads", "1"],
        cwd=service.folder,
        env=service.environment,
        check=False,
        timeout=240,
    )
    assert killed.returncode == -signal.SIGKILL
    before = service.shown(0)
    assert before["state"] == "complete"
    pictures = "SELECT number FROM trial_system_attributes JOIN trials USING (trial_id) WHERE value_json LIKE '%.png%'"
    notes = "SELECT key FROM study_system_attributes WHERE key LIKE 'dashboard:_%_note_ver'"
    assert (service.scalars(pictures), service.scalars(notes)) == ([], [])
    assert service.worker().wait(240) == 0
    assert sorted(service.scalars(pictures)) == [0, 0, 1, 1]
    assert len(service.scalars(notes)) == 2
    assert service.shown(0) == before
    assert not service.scalars("SELECT 1 FROM trial_system_attributes WHERE key = 'automl:unpublished'")
    (best,) = service.scalars("SELECT value_json FROM study_system_attributes WHERE key = 'dashboard:note_str:0'")
    assert "**Best: trial " in best


def test_paused_worker_abandons_the_trial_whose_lease_it_lost(service: Service) -> None:
    service.environment["WANDB_MODE"] = "offline"
    service.environment["AUTOML_GRACE_SECONDS"] = "5"
    service.create("--trials", "1", "--epochs", "40")
    paused = service.worker()
    service.wait_until(lambda: service.epochs_done() >= 2)
    paused.send_signal(signal.SIGSTOP)
    assert service.worker().wait(180) == 0
    paused.send_signal(signal.SIGCONT)
    _, said = paused.communicate(timeout=60)
    assert paused.returncode == 0, said
    assert "trial 0: lease lost" in said
    trial = service.shown(0)
    assert (trial["state"], trial["attempt"], trial["lost"], len(trial["epochs"])) == ("complete", 1, 1, 40)


def test_stopped_study_ends_its_workers_and_continues_later(service: Service) -> None:
    service.create("--trials", "3")
    worker = service.worker()
    service.wait_until(lambda: service.epochs_done() >= 1)
    assert "1 workers requeue their trials within seconds." in service.run("stop", "s")
    assert worker.wait(30) == 0
    assert "RUNNING" not in service.states()
    service.create("--trials", "3")
    assert service.worker().wait(180) == 0
    assert len([state for state in service.states() if state in ("COMPLETE", "PRUNED")]) == 3


def test_time_budget_ends_the_search_and_a_longer_one_continues_it(service: Service) -> None:
    service.create("--trials", "2", "--timeout", "4s")
    assert service.worker().wait(60) == 0
    (active,) = service.scalars("SELECT active_seconds FROM automl_studies")
    assert 3.5 < active < 25  # the last trial is written and published, on a machine that may be busy
    assert "RUNNING" not in service.states()
    service.create("--trials", "2", "--timeout", "10m")
    assert service.worker().wait(180) == 0
    assert len(service.states()) == 2
    assert set(service.states()) <= {"COMPLETE", "PRUNED"}


def test_worker_killed_in_final_training_loses_nothing(service: Service) -> None:
    """The test moves the study's clock, of an hour, to where its last part has begun, and to its end."""
    service.create("--timeout", "1h", "--pruner", "none", space=SPACE.replace("value: 12", "value: 30"))
    killed = service.worker()
    service.wait_until(lambda: "COMPLETE" in service.states())
    _set_clock(service, 2500)
    service.wait_until(lambda: any(count >= 3 for count in service.scalars(EPOCHS_OF_FINALS)))
    killed.kill()
    killed.wait()
    worker = service.worker()
    service.wait_until(lambda: service.scalars("SELECT 1 FROM automl_trials WHERE attempt = 1"))
    service.wait_until(lambda: len(service.scalars(EPOCHS_OF_FINALS)) > 1)
    _set_clock(service, 3600)
    assert worker.wait(60) == 0
    assert "RUNNING" not in service.states()
    (number,) = service.scalars("SELECT number FROM trials JOIN automl_trials USING (trial_id) WHERE lost = 1")
    trial = service.shown(number)
    assert (trial["state"], trial["attempt"], trial["cut_short"]) == ("complete", 1, None)
    assert trial["recipe"]["seed"] != service.shown(trial["repeats"])["recipe"]["seed"]
    assert len(trial["epochs"]) == trial["recipe"]["epochs"] > 30


EPOCHS_OF_FINALS = """
    SELECT count(*) FROM automl_epochs JOIN trial_user_attributes AS attributes USING (trial_id)
    WHERE key = 'phase' GROUP BY trial_id
"""


def _set_clock(service: Service, seconds: float) -> None:
    with service.engine.begin() as connection:
        connection.execute(text("UPDATE automl_studies SET active_seconds = :seconds"), {"seconds": seconds})


def test_restarted_database_loses_nothing(service: Service, postgres_url: str) -> None:
    """The server ends every connection, as it does in a fast restart."""
    service.create("--trials", "2")
    worker = service.worker()
    for epochs in (2, 5, 14):
        service.wait_until(lambda epochs=epochs: service.epochs_done() >= epochs)  # type: ignore[misc]
        service.scalars(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    assert worker.wait(180) == 0
    assert len(service.states()) == 2
    assert set(service.states()) <= {"COMPLETE", "PRUNED"}


def test_diverged_trial_fails_with_its_reason_and_the_worker_goes_on(service: Service) -> None:
    (service.folder / "overflowing.py").write_text(DIVERGING_NETWORK)
    service.create("--trials", "2", "--model", "overflowing:build")
    assert service.worker().wait(120) == 0
    assert re.search(r"kinds +2 diverged\n", service.run("status", "s"))
    for number in range(2):
        trial = service.shown(number)
        assert (trial["state"], trial["failure"]) == ("failed", "diverged")
        assert "loss became" in trial["reason"]


def test_trial_out_of_memory_is_tried_again_with_smaller_parts_of_the_same_batches(service: Service) -> None:
    (service.folder / "greedy.py").write_text(GREEDY_NETWORK)
    first = "".join(f"  - {{width: {width}, learning_rate: 5e-3}}\n" for width in (8, 16, 32))
    service.create(
        *("--trials", "3", "--model", "greedy:build", "--epochs", "2", "--pruner", "none"),
        space=f"{SPACE}first:\n{first}",
    )
    worker = service.worker()
    _, said = worker.communicate(timeout=120)
    assert worker.returncode == 0, said
    assert service.states() == ["COMPLETE", "FAIL", "COMPLETE"]
    assert "trial 0 ran out of memory and goes on with 16 images at a time" in said
    assert "trial 0 ran out of memory and goes on with 8 images at a time" in said
    failed = service.shown(1)
    assert failed["failure"] == "out of memory"
    assert failed["reason"] == "two or three images at a time: no memory for 3 images"
    micro_batches = service.scalars("SELECT value_json FROM trial_user_attributes WHERE key = 'micro_batch'")
    assert sorted(map(int, micro_batches)) == [2, 8]


def test_same_bug_three_times_in_a_row_stops_the_worker_and_is_shown(service: Service) -> None:
    (service.folder / "broken.py").write_text(BROKEN_NETWORK)
    service.create("--trials", "9", "--model", "broken:build")
    worker = service.worker()
    _, said = worker.communicate(timeout=120)
    assert worker.returncode == 2
    assert "The same error ended 3 trials in a row, so this worker stops: ZeroDivisionError: of our making" in said
    trial = service.shown(2)
    assert (trial["state"], trial["failure"]) == ("failed", "bug")
    assert "Traceback" in trial["reason"]
    assert len(service.states()) == 3


def test_worker_with_other_data_refuses_with_both_fingerprints(service: Service) -> None:
    service.create("--trials", "1")
    with service.engine.begin() as connection:
        connection.execute(
            text(
                "UPDATE study_user_attributes SET value_json ="
                ' regexp_replace(value_json, \'"fingerprint": "[0-9a-f]{12}\', \'"fingerprint": "0123456789ab\')'
            )
        )
    worker = service.worker()
    _, said = worker.communicate(timeout=60)
    assert worker.returncode == 2
    assert "automl: digits does not hold the data of study s: its fingerprint is " in said
    assert ", and 0123456789ab was expected. Restore those data, or name their location with --data." in said


def test_search_that_is_interrupted_stops_cleanly_and_the_same_command_continues(service: Service) -> None:
    (service.folder / "space.yaml").write_text(SPACE)
    command = [sys.executable, "-m", "automl", "search", "--data", "digits", "--space", "space.yaml"]
    command += ["--trials", "3", "--workers", "2", "--study", "s", "--pruner", "none"]
    first = subprocess.Popen(command, cwd=service.folder, env=service.environment, stderr=subprocess.PIPE, text=True)
    service.processes.append(first)
    service.wait_until(lambda: _has_table(service) and service.epochs_done() >= 13, seconds=120)
    first.send_signal(signal.SIGINT)
    assert first.wait(60) == 0
    assert "RUNNING" not in service.states()
    assert not _our_workers(service)
    done = subprocess.run(
        command, cwd=service.folder, env=service.environment, capture_output=True, text=True, check=True
    )
    assert "[3/3]" in done.stderr
    assert "study  s in postgresql+psycopg2://automl:***@" in done.stdout  # and not in the home
    assert service.states() == ["COMPLETE"] * 3


def test_killed_search_leaves_no_worker_behind(service: Service) -> None:
    (service.folder / "space.yaml").write_text(SPACE)
    command = [sys.executable, "-m", "automl", "search", "--data", "digits", "--space", "space.yaml"]
    search = subprocess.Popen(
        [*command, "--trials", "30", "--workers", "2", "--study", "s"],
        cwd=service.folder,
        env=service.environment,
        text=True,
    )
    service.processes.append(search)
    service.wait_until(lambda: _has_table(service) and service.epochs_done() >= 2, seconds=120)
    assert len(_our_workers(service)) == 2
    search.kill()
    search.wait()
    service.wait_until(lambda: not _our_workers(service), seconds=30)
    assert "RUNNING" not in service.states()


@pytest.mark.usefixtures("new_processes")
def test_killed_worker_of_a_search_is_started_again(service: Service) -> None:
    service.environment["WANDB_MODE"] = "offline"
    (service.folder / "space.yaml").write_text(SPACE)
    command = [sys.executable, "-m", "automl", "search", "--data", "digits", "--space", "space.yaml"]
    search = subprocess.Popen(
        [*command, "--trials", "4", "--workers", "2", "--study", "s"],
        cwd=service.folder,
        env=service.environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    service.processes.append(search)
    service.wait_until(lambda: _has_table(service) and service.epochs_done() >= 2, seconds=120)
    os.kill(_our_workers(service)[0], signal.SIGKILL)
    _, said = search.communicate(timeout=240)
    assert search.returncode == 0, said
    assert "was killed by SIGKILL and starts again" in said
    assert len(service.states()) == 4
    assert set(service.states()) <= {"COMPLETE", "PRUNED"}


def _has_table(service: Service) -> bool:
    return service.scalars("SELECT to_regclass('automl_epochs')")[0] is not None


def _our_workers(service: Service) -> list[int]:
    """Processes of this study's workers that are alive."""
    return [pid for pid in service.scalars("SELECT pid FROM automl_workers WHERE ended_at IS NULL") if _is_alive(pid)]


def _is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def own_server() -> Iterator[tuple[EmbeddedPostgres, Service]]:
    """A server of its own, which can be stopped and started."""
    with tempfile.TemporaryDirectory(prefix="automl-tests-") as folder:
        Path(folder).chmod(0o711)
        server = EmbeddedPostgres(Path(folder, "home"))
        service = Service(server.start(), Path(folder))
        yield server, service
        for process in service.processes:
            process.kill()
            process.communicate()
        service.engine.dispose()
        server.close()


def test_training_goes_on_while_the_database_is_away(own_server: tuple[EmbeddedPostgres, Service]) -> None:
    """It is away for some seconds and comes back; a worker that starts meanwhile waits for it."""
    server, service = own_server
    service.create("--trials", "2", "--epochs", "40", "--pruner", "none")
    worker = service.worker()
    service.wait_until(lambda: service.epochs_done() >= 2)
    service.engine.dispose()
    server.close()
    newcomer = service.worker()
    assert newcomer.stderr is not None
    assert "The database does not answer; trying for 600 s" in newcomer.stderr.readline()
    server.start()
    for process in (worker, newcomer):
        _, said = process.communicate(timeout=240)
        assert process.returncode == 0, said
        assert "The database is back after" in said
    assert service.states() == ["COMPLETE"] * 2
    assert service.epochs_done() == 80


def test_worker_stops_after_the_outage_time_and_its_trial_goes_on_elsewhere(
    own_server: tuple[EmbeddedPostgres, Service],
) -> None:
    server, service = own_server
    service.create("--trials", "1", "--epochs", "40")
    service.environment["AUTOML_OUTAGE_SECONDS"] = "1"
    worker = service.worker()
    service.wait_until(lambda: service.epochs_done() >= 2)
    service.engine.dispose()
    server.close()
    _, said = worker.communicate(timeout=120)
    assert worker.returncode == 2
    assert re.search(r"The database did not answer for \d+ s, and AUTOML_OUTAGE_SECONDS is 1: ", said), said
    assert "Traceback" not in said
    server.start()
    service.run("status", "s")  # finds it
    assert service.states() == ["WAITING"]
    assert service.worker().wait(240) == 0
    assert (service.states(), service.epochs_done()) == (["COMPLETE"], 40)


def test_search_goes_on_after_its_embedded_database_was_killed() -> None:
    with tempfile.TemporaryDirectory(prefix="automl-tests-") as folder:
        Path(folder).chmod(0o711)
        (Path(folder) / "space.yaml").write_text(SPACE)
        command = [sys.executable, "-m", "automl", "search", "--data", "digits", "--space", "space.yaml"]
        search = subprocess.Popen(
            [*command, "--trials", "4", "--workers", "2", "--pruner", "none", "--study", "s"],
            cwd=folder,
            env=clean_environment(Path(folder, "home")),
            stderr=subprocess.PIPE,
            text=True,
        )
        assert search.stderr is not None
        said = iter(search.stderr.readline, "")
        assert any(line.startswith("[1/4]") for line in said)
        server = Server.read(Path(os.path.realpath(Path(folder, "home", "postgres"))))
        assert server is not None
        os.kill(server.pid, signal.SIGKILL)
        rest = search.communicate(timeout=240)[1]
        assert search.returncode == 0, rest
        assert "The database does not answer; the workers train on" in rest
        assert "[4/4] trial" in rest
