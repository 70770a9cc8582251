import json
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
import psutil
import pytest
import sqlalchemy
from playwright.sync_api import Page

from automl.errors import SettingsError
from automl.storage.embedded import EmbeddedPostgres
from automl.tracking.dashboard_server import serve, study_page

TRIALS, EPOCHS = 3, 5
SERVE = """
import sys
from optuna.artifacts import FileSystemArtifactStore
from optuna.storages import RDBStorage
from automl.tracking.dashboard_server import serve
store = FileSystemArtifactStore(sys.argv[2])
storage = RDBStorage(sys.argv[1], engine_kwargs={"pool_pre_ping": True}, skip_table_creation=True)
serve(storage, artifacts=store, host="127.0.0.1", port=0, ready=lambda url: print(url, flush=True))
"""


@dataclass(frozen=True)
class Dashboard:
    url: str
    study_id: int
    artifact_path: str


@pytest.fixture
def dashboard(postgres_url: str, tmp_path: Path) -> Iterator[Dashboard]:
    """A process that serves a study."""
    with serving(postgres_url, tmp_path) as opened:
        yield opened


@contextmanager
def serving(postgres_url: str, tmp_path: Path) -> Iterator[Dashboard]:
    """A process that serves one study of three trials with their learning curves and an artifact."""
    study, artifact_path = make_study(postgres_url, tmp_path)
    command = [sys.executable, "-c", SERVE, postgres_url, str(tmp_path / "artifacts")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        yield Dashboard(url, study._study_id, artifact_path)
        process.terminate()


def make_study(url: str, folder: Path) -> tuple[optuna.Study, str]:
    storage = optuna.storages.RDBStorage(url)
    study = optuna.create_study(study_name="faces by width", storage=storage, direction="maximize")
    for number in range(TRIALS):
        trial = study.ask({"width": optuna.distributions.IntDistribution(8, 64)})
        for epoch in range(EPOCHS):
            trial.report(0.1 * number + 0.1 * epoch, epoch)
        if number == 0:
            artifact_path = upload_weights(storage, study, trial, folder)
        study.tell(trial, 0.1 * number + 0.1 * EPOCHS)
    storage.engine.dispose()
    return study, artifact_path


def upload_weights(storage: Any, study: optuna.Study, trial: optuna.Trial, folder: Path) -> str:
    (folder / "artifacts").mkdir()
    (folder / "weights.bin").write_bytes(b"the weights")
    store = optuna.artifacts.FileSystemArtifactStore(folder / "artifacts")
    artifact_id = optuna.artifacts.upload_artifact(
        artifact_store=store, file_path=str(folder / "weights.bin"), study_or_trial=trial, storage=storage
    )
    return f"/artifacts/{study._study_id}/{trial._trial_id}/{artifact_id}"


def read(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=30) as response:
        content: bytes = response.read()
    return content


@pytest.mark.browser
def test_browser_finds_the_study_and_its_learning_curves(dashboard: Dashboard, page: Page) -> None:
    page.goto(dashboard.url)
    page.get_by_text("faces by width").first.wait_for()

    page.goto(study_page(dashboard.url, dashboard.study_id))
    page.get_by_text("faces by width").first.wait_for()
    curves = page.locator("#graph-intermediate-values .scatterlayer .trace")
    curves.first.wait_for()
    assert curves.count() == TRIALS
    assert curves.first.locator(".point").count() == EPOCHS


def test_served_study_holds_every_report(dashboard: Dashboard) -> None:
    study = json.loads(read(f"{dashboard.url}/api/studies/{dashboard.study_id}?after=0"))
    reports = [[point["step"] for point in trial["intermediate_values"]] for trial in study["trials"]]
    assert reports == [list(range(EPOCHS))] * TRIALS


def test_artifacts_can_be_downloaded(dashboard: Dashboard) -> None:
    assert read(dashboard.url + dashboard.artifact_path) == b"the weights"


def test_dashboard_survives_a_restart_of_the_database(home: Path, tmp_path: Path) -> None:
    server = EmbeddedPostgres(home)
    postgres_url = server.start()
    try:
        with serving(postgres_url, tmp_path) as dashboard:
            studies = f"{dashboard.url}/api/studies"
            before = json.loads(read(studies))
            assert len(before["study_summaries"]) == 1
            shut_down(postgres_url)
            with pytest.raises(urllib.error.HTTPError, match="HTTP Error 500"):
                read(studies)
            assert server.start() == postgres_url
            assert json.loads(read(studies)) == before
            assert read(dashboard.url + dashboard.artifact_path) == b"the weights"
    finally:
        server.close()


def shut_down(url: str) -> None:
    """End the server as `pg_ctl stop --mode fast` does, and wait until it has."""
    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
    with engine.connect() as connection:
        folder = connection.scalar(sqlalchemy.text("SELECT setting FROM pg_settings WHERE name = 'data_directory'"))
    postmaster = psutil.Process(int(Path(str(folder), "postmaster.pid").read_text().split()[0]))
    postmaster.send_signal(signal.SIGINT)
    psutil.wait_procs([postmaster], timeout=60)
    assert not postmaster.is_running()


def test_busy_port_names_one_that_is_free(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(SettingsError, match=f"^Port {port} of 127.0.0.1 is taken. Try: --port ") as refusal:
            serve_nothing(tmp_path, host="127.0.0.1", port=port)
    socket.create_server(("127.0.0.1", int(str(refusal.value).split()[-1]))).close()


def test_unknown_host_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=re.escape("Cannot listen on 192.0.2.1:0: ")):
        serve_nothing(tmp_path, host="192.0.2.1", port=0)


def serve_nothing(folder: Path, *, host: str, port: int) -> None:
    storage = optuna.storages.InMemoryStorage()
    serve(storage, artifacts=optuna.artifacts.FileSystemArtifactStore(folder), host=host, port=port)
