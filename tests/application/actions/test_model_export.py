"""What is exported after a search with a time budget: the ensemble of its trials, where it proves itself, or one."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import optuna
import pytest
import torch
from optuna.trial import TrialState
from sqlalchemy import text

import automl
from automl.application.actions.model_export import export_model, wait_for_weights
from automl.application.command_context import CommandContext
from automl.artifacts.artifact_records import WEIGHTS, artifact_id
from automl.artifacts.store import FolderStore
from automl.artifacts.weights import write_weights
from automl.confirmation.confirmed import choose_best
from automl.data.batches.normalization import Normalization
from automl.data.dataset import DataSet
from automl.data.loading import load_data_set
from automl.export.export_result import ExportResult
from automl.models.building import build_model
from automl.recipe import Recipe
from automl.settings import Settings
from automl.storage.attributes import RECIPE_ATTRIBUTE
from automl.storage.database import Database
from automl.storage.optuna_internals import FastStorage, artifact_record
from automl.study.record import StudyRecord
from automl.training.evaluation.predictions import Predictions
from automl.training.evaluation.scoring import evaluate_logits
from tests.studies import MakeStudy


@dataclass
class Search:
    """A search on the digits whose trials predict what a test says."""

    context: CommandContext
    record: StudyRecord
    study: optuna.Study
    data: DataSet
    trials: list[str] = field(default_factory=list)
    """Names of their weights."""

    def add(self, *, shared: float, skill: float = 2.0) -> None:
        """Add a complete trial. `shared`: share of its noise, 0 to 1, that all trials have in common."""
        labels_N, number = self.data.splits["validation"].labels_N, len(self.trials)
        noise = [
            torch.randn(len(labels_N), 10, generator=torch.Generator().manual_seed(seed)) for seed in (0, number + 1)
        ]
        right_NK = skill * torch.eye(10)[torch.from_numpy(labels_N)]
        logits_NK = right_NK + shared * noise[0] + (1 - shared**2) ** 0.5 * noise[1]
        recipe = Recipe(depth=0, seed=number)
        torch.manual_seed(number)
        network = build_model(recipe, self.data.image_shape, 10)
        name = artifact_id(self.record.uid, number, 0, WEIGHTS)
        predictions = Predictions.of(labels_N, logits_NK, logits_NK)
        weights = network.state_dict()
        write_weights(name, weights, Normalization((0.5,), (0.3,)), predictions, artifacts=self.context.artifacts)
        value = evaluate_logits(logits_NK, labels_N).accuracy
        attributes = dict([artifact_record(name, filename=WEIGHTS)])
        recipes = {RECIPE_ATTRIBUTE: recipe.as_dict()}
        self.study.add_trial(
            optuna.trial.create_trial(
                state=TrialState.COMPLETE, value=value, user_attrs=recipes, system_attrs=attributes
            )
        )
        self.trials.append(name)

    def export(self, path: Path, *, single: bool = False) -> ExportResult:
        with self.context.database.engine.connect() as connection:
            choice = choose_best(connection, self.record)
        return export_model(self.context, self.record, choice, path, command="search --export", single=single)

    def accesses(self) -> Sequence[str]:
        with self.context.database.engine.connect() as connection:
            return connection.scalars(text("SELECT command FROM automl_test_openings")).all()


MakeSearch = Callable[..., Search]


@pytest.fixture
def make_search(database: Database, storage: FastStorage, make_study: MakeStudy, tmp_path: Path) -> MakeSearch:
    def make(*, seconds: float | None = 600.0, trials: int | None = None) -> Search:
        data = load_data_set("digits", home=tmp_path, split_seed=7)
        record = make_study(trials=trials, seconds=seconds, data=data.identity, keep=5)
        context = CommandContext(Settings({}), tmp_path, FolderStore(tmp_path / "artifacts"), database)
        return Search(context, record, optuna.load_study(study_name=record.name, storage=storage), data)

    return make


@pytest.mark.parametrize("ending", [".pt", ".onnx"])
def test_ensemble_that_beats_the_best_trial_is_exported(make_search: MakeSearch, tmp_path: Path, ending: str) -> None:
    search = make_search()
    for _ in range(4):
        search.add(shared=0.0)
    exported = search.export(tmp_path / f"model{ending}")
    decision, found = exported.decision, exported.ensemble
    assert decision is not None
    assert found is not None
    assert decision.is_taken
    assert decision.gain > decision.noise > 0
    assert len(found.shares) == decision.members > 1
    assert decision.sentence.endswith(": exported. --single keeps to one network")
    card = exported.card.read_text("utf-8")
    assert f"Ensemble of {decision.members}: validation accuracy 0." in card
    for number in found.shares:
        assert f"| {number} of faces |" in card
    assert json.loads(json.dumps(exported.as_dict()))["decision"]["is_taken"]
    if ending == ".pt":
        model = automl.load_model(exported.path)
        assert {str(member.trial) for member in model.card.members} == set(found.shares)
    assert search.accesses() == ["search --export"]


def test_ensemble_within_its_noise_is_not_exported(make_search: MakeSearch, tmp_path: Path) -> None:
    search = make_search()
    for _ in range(3):
        search.add(shared=0.995)
    exported = search.export(tmp_path / "model.pt")
    assert exported.ensemble is None
    assert len(automl.load_model(exported.path).card.members) == 1
    if exported.decision is not None:
        assert not exported.decision.is_taken
        assert "within its noise, so the best one alone is exported" in exported.decision.sentence
    assert search.accesses() == ["search --export"]


def test_weights_that_are_away_for_some_seconds_are_waited_for(make_search: MakeSearch, tmp_path: Path) -> None:
    search = make_search(seconds=None, trials=1)
    search.add(shared=0.0)
    folder, away, said = tmp_path / "artifacts", tmp_path / "away", list[str]()
    folder.rename(away)
    with search.context.database.engine.connect() as connection:
        trial = choose_best(connection, search.record).trial
    wait_for_weights(search.context, trial, log=said.append, pause=lambda seconds: away.rename(folder))
    (sentence,) = said
    assert sentence.startswith("The weights of trial 0 are out of reach; trying for 60 s (there is no ")
    assert search.export(tmp_path / "model.pt").path.exists()


@pytest.mark.parametrize(("seconds", "single"), [(600.0, True), (None, False)])
def test_single_or_a_search_without_a_time_keeps_to_one_network(
    make_search: MakeSearch, tmp_path: Path, seconds: float | None, single: bool
) -> None:
    search = make_search(seconds=seconds, trials=4)
    for _ in range(4):
        search.add(shared=0.0)
    exported = search.export(tmp_path / "model.pt", single=single)
    assert exported.decision is None
    assert len(automl.load_model(exported.path).card.members) == 1


def test_trial_whose_weights_are_gone_is_no_member(make_search: MakeSearch, tmp_path: Path) -> None:
    search = make_search()
    search.add(shared=0.0, skill=4.0)
    search.add(shared=0.0)
    search.context.artifacts.remove(search.trials[1])
    exported = search.export(tmp_path / "model.pt")
    assert exported.decision is None
    assert [member.trial for member in automl.load_model(exported.path).card.members] == [0]
