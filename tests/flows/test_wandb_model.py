"""`automl evaluate wandb:…`: through wandb's own client, from a server that stands in for wandb's."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator

import pytest

from tests.finished import Finished
from tests.refusals import assert_refused
from tests.tracking.wandb_files import read_runs
from tests.tracking.wandb_server import WandbServer


@pytest.fixture
def server(finished: Finished) -> Iterator[WandbServer]:
    with WandbServer() as server:
        server.models["digits-3:latest"] = (finished.folder / "model.pt").read_bytes()
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield server
        server.shutdown()


def test_runs_of_a_search_have_state_tags_matrix_and_report(finished: Finished) -> None:
    runs = [run for run in read_runs(finished.folder / ".automl").values() if run.group == "digits-space-accuracy"]
    assert len(runs) == 5
    for run in runs:
        assert run.tags[:2] == ["digits", "space"]
        assert run.tags[-1] == run.summary["state"]
        assert ("reason" in run.summary) == (run.summary["state"] == "pruned")
        last = " ".join(run.history[-1])
        assert "class_report" in last
        assert "confusion_matrix_table" in last


def test_model_of_a_run_is_offered_and_fetched_again_and_tested(finished: Finished, server: WandbServer) -> None:
    environment = {"WANDB_BASE_URL": server.url, "WANDB_API_KEY": "0123456789" * 4, "WANDB_ERROR_REPORTING": "false"}
    space = ("--data", "digits", "--space", "space.yaml", "--study", "watched")
    searched = finished.automl(
        *("search", *space, "--trials", "1", "--epochs", "1", "--workers", "1"),
        environment=environment | {"WANDB_MODE": "online"},
    )
    assert searched.returncode == 0, searched.stderr
    offered = {(one["artifactTypeName"], one["artifactCollectionName"]) for one in server.created}
    assert ("model", "watched-0") in offered
    assert not list((finished.folder / ".automl" / "wandb" / "models").iterdir())

    fetched = finished.automl(
        *("evaluate", "wandb:nobody/automl/digits-3", "--data", "digits", "--json"), environment=environment
    )
    assert fetched.returncode == 0, fetched.stderr
    own = finished.automl("evaluate", "model.pt", "--data", "digits", "--json")
    assert json.loads(fetched.stdout) == json.loads(own.stdout)

    missing = finished.automl("evaluate", "wandb:nobody/automl/cats-1", "--data", "digits", environment=environment)
    assert_refused(missing, "wandb does not give nobody/automl/cats-1:latest (")


def test_other_forms_and_missing_keys_are_refused(finished: Finished) -> None:
    done = finished.automl("evaluate", "wandb:digits-3", "--data", "digits")
    assert_refused(done, "'wandb:digits-3' names no artifact of wandb: it takes wandb:ENTITY/PROJECT/ARTIFACT")
    environment = {"HOME": str(finished.folder)}
    done = finished.automl("evaluate", "wandb:a/b/c:v0", "--data", "digits", environment=environment)
    assert_refused(done, "wandb:a/b/c:v0 needs a key of wandb, and there is none: run wandb login")
