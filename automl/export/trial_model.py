"""From a stored trial or an ensemble to an exported model that was evaluated once on the test split."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import torch

from automl.artifacts.store import ArtifactStore
from automl.confirmation.confirmed import record_test_access
from automl.data.dataset import DataSet
from automl.data.split_names import SPLITS
from automl.errors import DataError, StudyError
from automl.export.card import MemberCard, ModelCard, Provenance, validation_metrics
from automl.export.description import write_description
from automl.export.ensemble import Ensemble, over_with_mirror_images
from automl.export.ensemble_members import EnsembleMember, build_ensemble, ensemble_figures, read_member, trial_label
from automl.export.export_result import EnsembleResult, ExportResult, ScoredModel, TestMetrics
from automl.export.formats import check_format
from automl.export.prediction.model import Model
from automl.export.provenance import history
from automl.export.size_limits import ensemble_fits
from automl.export.test_evaluation import SplitEvaluation, evaluate
from automl.export.writing import noise, samples, write_model
from automl.recipe import Recipe
from automl.results.trials import TrialRecord
from automl.sanitize import shell_word
from automl.storage.database import Database
from automl.study.consent import trusted_model
from automl.study.record import StudyRecord
from automl.study.study_data import load_known_data
from automl.training.device import choose_device
from automl.training.latency import measure_milliseconds


def export_trial(
    database: Database,
    record: StudyRecord,
    trial: TrialRecord,
    path: Path,
    *,
    home: Path,
    artifacts: ArtifactStore,
    data: str | None = None,
    tta: bool = False,
    command: str,
) -> ExportResult:
    """Write the trial's model to `path` as `export_ensemble` does.

    Raises: as `export_ensemble`; StudyError if the trial's weights were not kept, or if the study names a network that
        nobody let it import.
    """
    check_format(path)
    trusted_model(record)
    if tta and not ensemble_fits(record.specification, [trial], tta=True):
        raise StudyError(over_with_mirror_images(record.specification))
    member = _member(database, record, trial, artifacts)
    ensemble = Ensemble((member,), member, ())
    return export_ensemble(database, record, ensemble, path, home=home, data=data, tta=tta, command=command)


def export_ensemble(
    database: Database,
    record: StudyRecord,
    ensemble: Ensemble,
    path: Path,
    *,
    home: Path,
    data: str | None = None,
    tta: bool = False,
    command: str,
) -> ExportResult:
    """Write the model to `path` after one access to the test split, which the study records.

    `data`: path of the study's data on this machine, if not that of the study. Without the data, the model is written
    without test metrics and compared on noise, and a warning says so. `tta`: each image is
    averaged with its mirror image.

    Raises: ModelFileError as `write_model`; StudyError where `tta` is above a limit of the study.
    """
    check_format(path)
    card = _card(record, ensemble.members, tta=tta)
    model = build_ensemble(ensemble.members, card, choose_device())
    tried_on, found, tested = noise(card.image_shape), None, None
    warnings = ensemble.notes
    try:
        found = load_evaluation_data(card, data or card.provenance.data, home=home)
        tried_on = samples(found.splits["validation"], card)
        tested = evaluate(model, found, "test")
    except DataError as error:
        warnings += (f"Exported without test metrics: {error}",)
    else:
        model.card = with_test_metrics(card, metrics_of(tested))
        with database.engine.begin() as connection:
            record_test_access(connection, record, command=command)
    comparison = write_model(path, model, tried_on)
    with database.engine.connect() as connection:
        origin = history(connection, {member.trial.study for member in ensemble.members})
    if ensemble.decision is not None:
        origin += (f"{ensemble.decision.sentence[0].upper()}{ensemble.decision.sentence[1:]}.",)
    return ExportResult(
        path=path,
        test=metrics_of(tested) if tested else None,
        warnings=warnings,
        comparison=comparison,
        card=write_description(path, model.card, found, tested, found=origin),
        ensemble=_ensemble_result(record, ensemble, model, found),
        decision=ensemble.decision,
    )


def _ensemble_result(
    record: StudyRecord, ensemble: Ensemble, model: Model, data: DataSet | None
) -> EnsembleResult | None:
    """Gain and cost of the ensemble. None for one network without mirror images."""
    alone = dataclasses.replace(ensemble.alone, share=1.0)
    if len(ensemble.members) == 1 and not model.tta:
        return None
    single = build_ensemble((alone,), _card(record, (alone,), tta=False), model.device)
    return EnsembleResult(
        shares={trial_label(member.trial, record): member.share for member in ensemble.members},
        tta=model.tta,
        metric=record.specification.metric,
        device=str(model.device),
        together=_score_model(record, ensemble.members, model, data),
        alone=_score_model(record, (alone,), single, data),
        alone_trial=trial_label(alone.trial, record),
    )


def _score_model(
    record: StudyRecord, members: Sequence[EnsembleMember], model: Model, data: DataSet | None
) -> ScoredModel:
    name, figures = record.specification.metric, ensemble_figures(members, tta=model.tta)
    return ScoredModel(
        validation=getattr(figures, "calibrated_loss" if name == "loss" else name),
        test=None if data is None else getattr(evaluate(model, data, "test"), name),
        parameters=sum(parameter.numel() for parameter in model.classifier.parameters()),
        milliseconds=measure_milliseconds(model.classifier, model.card.image_shape, model.device),
    )


def write_untested_model(
    database: Database, record: StudyRecord, trial: TrialRecord, path: Path, *, artifacts: ArtifactStore
) -> None:
    """Write the trial's model without an access to the test split.

    Raises: ModelFileError as `write_model`; StudyError if the trial's weights were not kept.
    """
    members = (_member(database, record, trial, artifacts),)
    card = _card(record, members, tta=False)
    write_model(path, build_ensemble(members, card, torch.device("cpu")), noise(card.image_shape))


def with_test_metrics(card: ModelCard, test: TestMetrics) -> ModelCard:
    """The card with the metrics of the test split beside those of the validation split."""
    figures = {f"test_{name}": getattr(test, name) for name in ("accuracy", "macro_f1", "balanced_accuracy", "loss")}
    figures["test_calibration_error"] = test.calibration.error_after
    return dataclasses.replace(card, metrics={**card.metrics, **figures})


def load_evaluation_data(card: ModelCard, reference: str, *, home: Path) -> DataSet:
    """Load the data on which the model was trained and is to be evaluated.

    Raises: DataError if the data are not to be found, or are other data.
    """
    origin = card.provenance
    return load_known_data(
        reference,
        of=f"study {origin.study}" if origin.study else "this training",
        fingerprint=origin.fingerprint,
        split_seed=origin.split_seed,
        sizing=card.sizing,
        home=home,
        splits=SPLITS,
    )


def metrics_of(found: SplitEvaluation) -> TestMetrics:
    """Metrics that are printed and stored."""
    return TestMetrics(
        images=found.n,
        accuracy=found.accuracy,
        accuracy_interval=found.accuracy_interval,
        macro_f1=found.macro_f1,
        balanced_accuracy=found.balanced_accuracy,
        loss=found.loss,
        calibration=found.calibration,
    )


def _member(database: Database, record: StudyRecord, trial: TrialRecord, artifacts: ArtifactStore) -> EnsembleMember:
    member = read_member(database, trial, artifacts)
    if member is None and trial.state != "complete":
        raise StudyError(
            f"Trial {trial.number} of study {record.name} is {trial.state}: only complete trials have a model. "
            f"Train its recipe with: automl show {trial.number} {shell_word(record.name)} --recipe > recipe.yaml, "
            "then automl train recipe.yaml"
        )
    if member is None:
        raise StudyError(
            f"The weights of trial {trial.number} were not kept: study {record.name} keeps those of its best "
            f"{record.specification.keep}. Train it again with: "
            f"automl show {trial.number} {shell_word(record.name)} --recipe > recipe.yaml, "
            "then automl train recipe.yaml --export model.pt"
        )
    return member


def _card(record: StudyRecord, members: Sequence[EnsembleMember], *, tta: bool) -> ModelCard:
    specification = record.specification
    plain, mirrored = (ensemble_figures(members, tta=tta) for tta in (False, True))
    return ModelCard(
        members=tuple(
            MemberCard(
                recipe=Recipe.from_mapping(member.trial.recipe),
                normalization=member.stored.normalization,
                share=member.share,
                trial=member.trial.number,
                study=member.trial.study,
            )
            for member in members
        ),
        temperature=plain.calibration.temperature,
        tta_temperature=mirrored.calibration.temperature,
        tta=tta,
        classes=specification.data.class_names,
        image_shape=specification.data.image_shape,
        sizing=specification.data.sizing,
        pixel_range=specification.data.pixel_range,
        metrics=validation_metrics(mirrored if tta else plain),
        provenance=Provenance(
            data=specification.data.reference,
            fingerprint=specification.data.fingerprint,
            split_seed=specification.seed,
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
            study=record.name,
            builder=trusted_model(record),
        ),
    )
