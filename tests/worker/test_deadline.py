"""A worker under a time budget: phases, trials that are cut short, final training. The tests move the study's clock."""

from __future__ import annotations

import dataclasses
import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import optuna
import pytest
import torch
from sqlalchemy import text

from automl.artifacts.store import FolderStore
from automl.confirmation.confirmed import choose_best
from automl.data.loading import load_data_set
from automl.export.trial_model import write_untested_model
from automl.queue.lost_time import lost_seconds
from automl.results.best import best_trial
from automl.results.trials import TrialRecord, read_trial
from automl.spaces.file import load_space
from automl.storage.database import Database
from automl.storage.optuna_internals import SearchStorage, engine_of
from automl.storage.optuna_storage import open_storage
from automl.study.creation import create_or_continue
from automl.study.granting import Budget, grant
from automl.study.record import StudyRecord
from automl.tracking.wandb_runs import RunTracker
from automl.worker.pull_loop import Worker
from tests.studies import SPECIFICATION

PATIENCE_SECONDS = 240.0
HOUR = 3600.0
PARAMETERS = {
    "depth": {"value": 0},
    "learning_rate": {"min": 1e-3, "max": 1e-2, "distribution": "log_uniform_values"},
    "batch_size": {"value": 128},
}


@dataclass
class Scene:
    """A study of digits with an hour of time, a worker of it in a thread, and the hand on its clock."""

    database: Database
    record: StudyRecord
    home: Path
    log: list[str] = field(default_factory=list)
    stop_event: threading.Event = field(default_factory=threading.Event)
    endings: list[str] = field(default_factory=list)
    thread: threading.Thread | None = None

    @property
    def artifacts(self) -> FolderStore:
        return FolderStore(self.home / "artifacts")

    def start(self, **options: Any) -> None:
        self.stop_event = threading.Event()
        worker = Worker(
            self.database,
            self.record,
            home=self.home,
            artifacts=self.artifacts,
            tracker=RunTracker(folder=self.home, study="s", study_uid=self.record.uid, mode="disabled", warn=print),
            write_model=lambda number, path: None,
            stop_event=self.stop_event,
            device="cpu",
            threads=1,
            outage_seconds=60,
            log=self.log.append,
            **options,
        )
        self.thread = threading.Thread(target=lambda: self.endings.append(worker.run()), daemon=True)
        self.thread.start()

    def end(self) -> str:
        """Wait for the worker's end; how it ended."""
        assert self.thread is not None
        self.thread.join(PATIENCE_SECONDS)
        assert not self.thread.is_alive()
        return self.endings[-1]

    def stop(self) -> str:
        self.stop_event.set()
        return self.end()

    def set_clock(self, seconds: float) -> None:
        with self.database.engine.begin() as connection:
            connection.execute(text("UPDATE automl_studies SET active_seconds = :now"), {"now": seconds})

    def scalars(self, statement: str) -> Sequence[Any]:
        with self.database.engine.connect() as connection:
            return connection.scalars(text(statement)).all()

    def trials(self) -> list[TrialRecord]:
        with self.database.engine.connect() as connection:
            count = connection.scalar(text("SELECT count(*) FROM trials")) or 0
            return [read_trial(connection, self.record, number) for number in range(count)]

    def wait_until(self, condition: Callable[[], object]) -> None:
        """Ask again and again; the worker's own events are in another thread and in the database."""
        until = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            assert time.monotonic() < until, self.log
            assert self.thread is not None
            assert self.thread.is_alive(), self.log
            self.stop_event.wait(0.05)


MakeScene = Callable[..., Scene]


@pytest.fixture
def make_scene(database: Database, tmp_path: Path) -> Iterator[MakeScene]:
    scenes: list[Scene] = []
    threads = torch.get_num_threads()

    def make(
        *,
        first: Sequence[dict[str, Any]] = (),
        budget: Budget | None = None,
        model: str | None = None,
        **parameters: Any,
    ) -> Scene:
        data = load_data_set("digits", home=tmp_path, splits=("train", "validation"))
        document = {"parameters": PARAMETERS | parameters} | ({"first": list(first)} if first else {})
        specification = dataclasses.replace(
            SPECIFICATION,
            data=data.identity,
            space=load_space(document),
            seed=0,
            pruner="none",
            sampler="tpe",
            keep=20,
            model=model,
        )
        record = create_or_continue(database, "s", specification, budget or Budget(seconds=HOUR))
        scenes.append(Scene(database, record, tmp_path))
        return scenes[-1]

    yield make
    for scene in scenes:
        scene.stop_event.set()
        if scene.thread is not None:
            scene.thread.join(60)
    torch.set_num_threads(threads)


def test_best_recipes_are_trained_again_longer_and_a_raised_budget_searches_on(make_scene: MakeScene) -> None:
    scene = make_scene(epochs={"value": 2})
    scene.start()
    scene.wait_until(lambda: len([t for t in scene.trials() if t.state == "complete"]) >= 4)
    scene.set_clock(HOUR - 300)
    scene.wait_until(lambda: len([t for t in scene.trials() if t.is_final and t.state == "complete"]) >= 4)
    scene.set_clock(HOUR)
    assert scene.end() == "out of time"

    trials = scene.trials()
    finals = [trial for trial in trials if trial.is_final]
    searched = [trial for trial in trials if not trial.is_final]
    assert {trial.state for trial in trials} <= {"complete", "waiting"}
    assert not [trial for trial in trials if trial.state == "waiting" and trial.epochs]  # none is requeued
    best = sorted((t for t in searched if t.state == "complete"), key=lambda t: (-(t.value or 0), t.number))[:3]
    assert [trial.repeats for trial in finals[:3]] == [trial.number for trial in best]  # the best first, in turn
    for trial in (trial for trial in finals if trial.state == "complete"):
        source = trials[trial.repeats or 0]
        assert trial.recipe == source.recipe | {"epochs": trial.recipe["epochs"], "seed": trial.recipe["seed"]}
        # One that waits when the time is up has no recipe yet.
        assert trial.recipe["seed"] not in {one.recipe.get("seed") for one in trials if one.number != trial.number}
        assert 2 < trial.recipe["epochs"] <= 8
        assert trial.cut_short or len(trial.epochs) == trial.recipe["epochs"]
        assert trial.remarks()[0].startswith(f"Final training: the recipe of trial {source.number}, ")

    storage = open_storage(scene.database)
    seen = optuna.load_study(study_name="s", storage=SearchStorage(storage)).get_trials()
    engine_of(storage).dispose()
    assert [trial.number for trial in seen] == [trial.number for trial in searched]

    with scene.database.engine.begin() as connection:
        grant(connection, scene.record, Budget(seconds=10 * HOUR))
    scene.start()
    scene.wait_until(lambda: len([t for t in scene.trials() if not t.is_final]) >= len(searched) + 2)
    assert scene.stop() == "asked to stop"


def test_what_is_under_way_at_the_boundary_and_at_the_deadline_is_kept_at_its_best_epoch(
    make_scene: MakeScene, tmp_path: Path
) -> None:
    first = [{"epochs": 2, "learning_rate": 0.002}, {"epochs": 2000, "learning_rate": 0.003}]
    scene = make_scene(first=first, epochs={"min": 2, "max": 2000})
    scene.start()
    scene.wait_until(lambda: len(scene.trials()) > 1 and len(scene.trials()[1].epochs) >= 3)
    scene.set_clock(HOUR * 2 / 3 + 121)
    scene.wait_until(lambda: scene.trials()[1].state == "complete")
    scene.wait_until(lambda: any(len(trial.epochs) >= 3 for trial in _long_finals(scene)))
    began = time.monotonic()
    scene.set_clock(HOUR)
    assert scene.end() == "out of time"
    final, searched = _long_finals(scene)[0], scene.trials()[1]
    assert time.monotonic() - began < 10 + max(result.seconds for result in final.epochs)
    assert not searched.is_final
    for trial in (searched, final):
        done = len(trial.epochs)
        assert (trial.state, trial.attempt, trial.failure) == ("complete", 0, None)
        assert trial.value == max(result.validation_accuracy for result in trial.epochs)
        assert done < trial.recipe["epochs"]
        assert str(trial.cut_short).startswith(f"Cut short after {done} of {trial.recipe['epochs']} epochs: ")
        write_untested_model(
            scene.database, scene.record, trial, tmp_path / f"{trial.number}.pt", artifacts=scene.artifacts
        )
    with scene.database.engine.connect() as connection:
        assert best_trial(connection, scene.record).state == "complete"
        assert lost_seconds(connection, scene.record.study_id) == 0


def _long_finals(scene: Scene) -> list[TrialRecord]:
    return [trial for trial in scene.trials() if trial.is_final and trial.recipe["epochs"] > 100 and trial.epochs]


def test_running_trial_has_a_model_and_a_stopped_one_goes_on(make_scene: MakeScene, tmp_path: Path) -> None:
    scene = make_scene(epochs={"value": 2000})
    scene.start()
    scene.wait_until(lambda: scene.scalars("SELECT 1 FROM trial_system_attributes WHERE key LIKE 'artifacts:%'"))
    for state in ("running", "waiting"):
        with scene.database.engine.connect() as connection:
            chosen = choose_best(connection, scene.record).trial
        assert (chosen.number, chosen.state) == (0, state)
        path = tmp_path / f"{state}.pt"
        write_untested_model(scene.database, scene.record, chosen, path, artifacts=scene.artifacts)
        assert path.stat().st_size > 0
        if state == "running":
            assert scene.stop() == "asked to stop"
    epochs = len(scene.trials()[0].epochs)
    scene.start()
    scene.wait_until(lambda: len(scene.trials()[0].epochs) > epochs)
    assert scene.stop() == "asked to stop"
    (trial,) = scene.trials()
    assert (trial.state, trial.attempt) == ("waiting", 2)


def test_trial_that_does_not_fit_waits_for_a_raised_budget(make_scene: MakeScene) -> None:
    """Ten thousand epochs do not fit into what is left for the search, and fit with more time."""
    first = [{"epochs": 1}, {"epochs": 10_000}]
    scene = make_scene(first=first, epochs={"min": 1, "max": 10_000})
    scene.set_clock(HOUR * 2 / 3 + 100)  # a last reach of the search: 20 s
    scene.start()
    scene.wait_until(lambda: any(trial.is_final and trial.state == "complete" for trial in scene.trials()))
    scene.set_clock(HOUR)
    assert scene.end() == "out of time"
    assert [trial.recipe["epochs"] for trial in scene.trials() if not trial.is_final] == [1]

    with scene.database.engine.begin() as connection:
        grant(connection, scene.record, Budget(seconds=1e6 * HOUR))
    scene.start()
    scene.wait_until(lambda: any(trial.recipe.get("epochs") == 10_000 for trial in scene.trials()))
    assert scene.stop() == "asked to stop"


def test_schedule_is_shortened_to_end_in_time_and_recorded(make_scene: MakeScene) -> None:
    scene = make_scene(epochs={"value": 10_000}, budget=Budget(seconds=HOUR))
    scene.set_clock(HOUR - 15)
    scene.start()
    assert scene.end() == "out of time"
    trial = scene.trials()[0]
    assert trial.state == "complete"
    assert trial.shortened == 10_000
    assert 0 < trial.recipe["epochs"] < 10_000
    assert trial.cut_short or len(trial.epochs) == trial.recipe["epochs"]
    assert math.isclose(sum(scene.scalars("SELECT epochs FROM automl_trials LIMIT 1")), trial.recipe["epochs"])
