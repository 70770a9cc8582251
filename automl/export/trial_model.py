"""From a stored trial to an exported model that was tested once on the test split."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from pathlib import Path

import torch

from automl.data.dataset import DataSet, SplitName
from automl.data.loading import load_data_set
from automl.errors import DataError, StudyError
from automl.export.card import MemberCard, ModelCard, Provenance
from automl.export.evaluation import evaluate
from automl.export.exported import Exported, OnTestSplit
from automl.export.formats import check_format
from automl.export.model import Model
from automl.export.model_file import build_networks
from automl.export.writing import noise, samples, write_model
from automl.recipe import Recipe
from automl.search.database import Database
from automl.search.results import TrialRecord, record_test_opening
from automl.search.study import StudyRecord
from automl.search.weights import StoredWeights, read_weights, weights_file
from automl.training.device import choose_device

UNCALIBRATED = (
    "Its probabilities are not calibrated: what it says of the validation split was not kept by the automl that "
    "trained it. Train it again for that."
)
UNTRAINED: tuple[SplitName, ...] = ("validation", "test")


def export_trial(
    database: Database,
    record: StudyRecord,
    trial: TrialRecord,
    path: Path,
    *,
    home: Path,
    artifacts: Path,
    data: str | None = None,
    command: str,
) -> Exported:
    """Write the trial's model to `path` after one look at the test split, which the study remembers.

    `data`: where the study's data lie on this machine, if not where the study found them. Where they are not to be
    found, the model is written without test figures and compared on noise, and a warning says so.

    Raises: ModelFileError as `write_model`; StudyError if the trial's weights were not kept, or if the data
    at hand are not the study's.
    """
    check_format(path)
    stored = _stored_weights(database, record, trial, artifacts)
    card = _card(record, trial, stored)
    model = _model(card, stored, choose_device())
    tried_on, test = noise(card.image_shape), None
    warnings: tuple[str, ...] = () if stored.predictions else (UNCALIBRATED,)
    try:
        found = exam(card, data or card.provenance.data, home=home)
        tried_on = samples(found.splits["validation"], card)
        test = figures_on_test_split(model, found)
    except DataError as error:
        warnings += (f"Exported without test figures: {error}",)
    else:
        model.card = with_test_metrics(card, test)
        with database.engine.begin() as connection:
            record_test_opening(connection, record.study_id, command=command)
    return Exported(path, test, warnings, write_model(path, model, tried_on))


def write_untested_model(
    database: Database, record: StudyRecord, trial: TrialRecord, path: Path, *, artifacts: Path
) -> None:
    """Write the trial's model and leave the test split alone.

    Raises: ModelFileError as `write_model`; StudyError if the trial's weights were not kept.
    """
    stored = _stored_weights(database, record, trial, artifacts)
    card = _card(record, trial, stored)
    write_model(path, _model(card, stored, torch.device("cpu")), noise(card.image_shape))


def with_test_metrics(card: ModelCard, test: OnTestSplit) -> ModelCard:
    """The card with the figures of the test split beside those of the validation split."""
    figures = {f"test_{name}": getattr(test, name) for name in ("accuracy", "macro_f1", "balanced_accuracy", "loss")}
    figures["test_calibration_error"] = test.calibration.error_after
    return dataclasses.replace(card, metrics={**card.metrics, **figures})


def exam(card: ModelCard, reference: str, *, home: Path) -> DataSet:
    """The splits that the model was not trained on.

    Raises: DataError if the data are not to be found, or are other data.
    """
    origin = card.provenance
    data = load_data_set(reference, home=home, splits=UNTRAINED, split_seed=origin.split_seed, sizing=card.sizing)
    if data.fingerprint != origin.fingerprint:
        raise DataError(f"{reference} changed since the training: its fingerprint is {data.fingerprint[:12]}.")
    return data


def figures_on_test_split(model: Model, data: DataSet) -> OnTestSplit:
    """Look at the test split once.

    Raises: DataError if it is empty.
    """
    found = evaluate(model, data, "test")
    return OnTestSplit(
        images=found.n,
        accuracy=found.accuracy,
        accuracy_interval=found.accuracy_interval,
        macro_f1=found.macro_f1,
        balanced_accuracy=found.balanced_accuracy,
        loss=found.loss,
        calibration=found.calibration,
    )


def _stored_weights(database: Database, record: StudyRecord, trial: TrialRecord, artifacts: Path) -> StoredWeights:
    with database.engine.connect() as connection:
        file = weights_file(connection, trial.trial_id, artifacts=artifacts)
    if trial.state != "complete":
        raise StudyError(
            f"Trial {trial.number} of study {record.name} is {trial.state}: only complete trials have a model. "
            f"Train its recipe with: automl show {trial.number} {record.name} --recipe > recipe.yaml, "
            "then automl train recipe.yaml"
        )
    if file is None:
        raise StudyError(
            f"The weights of trial {trial.number} were not kept: study {record.name} keeps those of its best "
            f"{record.specification.keep}. Train it again with: automl show {trial.number} {record.name} --recipe "
            "> recipe.yaml, then automl train recipe.yaml --export model.pt"
        )
    if not file.exists():
        raise StudyError(
            f"The weights of trial {trial.number} should be in {file}, and are not. "
            "If the artifacts are elsewhere, say where with --artifacts (AUTOML_ARTIFACTS)."
        )
    return read_weights(file)


def _model(card: ModelCard, stored: StoredWeights, device: torch.device) -> Model:
    (network,) = build_networks(card)
    network.load_state_dict(dict(stored.weights), assign=True)
    return Model([network], card, device)


def _card(record: StudyRecord, trial: TrialRecord, stored: StoredWeights) -> ModelCard:
    specification = record.specification
    best = next(result for result in trial.epochs if result.epoch == trial.best_epoch)
    plain, tta = (stored.calibrated(tta=tta) for tta in (False, True))
    return ModelCard(
        members=(
            MemberCard(
                recipe=Recipe.from_mapping(trial.recipe), normalization=stored.normalization, trial=trial.number
            ),
        ),
        temperature=plain.calibration.temperature if plain else 1.0,
        tta_temperature=tta.calibration.temperature if tta else 1.0,
        classes=specification.data.class_names,
        image_shape=specification.data.image_shape,
        sizing=specification.data.sizing,
        metrics={
            name: getattr(best, name)
            for name in (
                "validation_accuracy",
                "validation_macro_f1",
                "validation_balanced_accuracy",
                "validation_loss",
            )
        },
        provenance=Provenance(
            data=specification.data.reference,
            fingerprint=specification.data.fingerprint,
            split_seed=specification.seed,
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
            study=record.name,
            builder=specification.model,
        ),
    )
