from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy
from sqlalchemy import text

from tests.conftest import Automl

SPACE = "name: tiny\nparameters:\n  depth: {value: 0}\n  epochs: {value: 1}\n"
Setup = Callable[..., str]


@pytest.fixture
def environment(postgres_url: str, tmp_path: Path) -> dict[str, str]:
    """What docker-compose.yml gives to its containers."""
    space = tmp_path / "tiny.yaml"
    space.write_text(SPACE)
    return {
        "AUTOML_STORAGE": postgres_url,
        "AUTOML_DATA": "digits",
        "AUTOML_SPACE": str(space),
        "AUTOML_TRIALS": "2",
        "AUTOML_DASHBOARD_PASSWORD": "read me",
    }


@pytest.fixture
def setup(automl: Automl, environment: dict[str, str]) -> Setup:
    """Runs `automl setup` and returns its answer."""

    def run(**changes: str) -> str:
        done = automl("setup", environment=environment | changes)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_setup_makes_the_study_of_the_environment_and_again_changes_only_a_raised_budget(
    setup: Setup, automl: Automl, environment: dict[str, str]
) -> None:
    assert setup() == "Study digits-tiny-accuracy is ready. Budget: 2 finished trials in all.\n"
    assert setup() == "Study digits-tiny-accuracy is ready. Budget: 2 finished trials in all.\n"
    assert setup(AUTOML_TRIALS="5") == "Study digits-tiny-accuracy is ready. Budget: 5 finished trials in all.\n"
    assert setup(AUTOML_TRIALS="3") == "Study digits-tiny-accuracy is ready. Budget: 5 finished trials in all.\n"
    studies = json.loads(automl("studies", "--json", environment=environment).stdout)
    assert [(study["study"], study["budget_trials"]) for study in studies] == [("digits-tiny-accuracy", 5)]


def test_the_dashboard_s_role_reads_the_study_and_is_the_only_one_made(setup: Setup, postgres_url: str) -> None:
    setup()
    url = sqlalchemy.make_url(postgres_url).set(username="automl_dashboard", password="read me")
    engine = sqlalchemy.create_engine(url)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT study_name FROM studies")) == "digits-tiny-accuracy"
    engine.dispose()


def test_the_last_worker_prints_the_best_trial_and_the_line_that_exports_it(
    setup: Setup, automl: Automl, environment: dict[str, str]
) -> None:
    setup()
    worker = automl("worker", "--device", "cpu", environment=environment | {"AUTOML_COMMAND": "docker run automl"})
    assert worker.returncode == 0, worker.stderr
    first, *_, last = worker.stdout.splitlines()
    assert first.startswith("Trial ")
    assert "of study digits-tiny-accuracy: validation accuracy 0." in first
    assert last == "  export it: docker run automl best digits-tiny-accuracy --export model.pt"
