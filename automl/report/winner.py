"""SplitEvaluation of the winner on the study's data and on its test split.

N images, K classes, H × W pixels, C channels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from automl.artifacts.store import ArtifactStore
from automl.artifacts.weights import StoredWeights
from automl.confirmation.confirmed import record_test_access
from automl.data.batches.batching import open_images
from automl.data.dataset import DataSet, Split
from automl.data.split_names import SPLITS, SplitName
from automl.errors import AutomlError, DataError, StudyError
from automl.export.ensemble_members import load_weights, read_member
from automl.export.test_evaluation import SplitEvaluation, wilson_interval
from automl.figures.images.misclassified import Misclassified
from automl.metrics import Calibration
from automl.models.building import resolve_builder
from automl.recipe import Recipe
from automl.results.trials import TrialRecord
from automl.storage.database import Database
from automl.study.consent import trusted_model
from automl.study.record import StudyRecord
from automl.study.study_data import LEARNED_FROM, load_study_data
from automl.training.device import choose_device
from automl.training.evaluation.calibration import Bin, reliability
from automl.training.evaluation.class_report import class_report
from automl.training.evaluation.forward import predict_logits

COMMAND = "report"
"""Name of the command in the study's test-split accesses."""
MOST_ERRORS = 24


@dataclass(frozen=True)
class SplitFigures:
    """Size and majority share of one split of the study's data."""

    images: int
    majority_share: float
    """Share of the images that are of the training split's most frequent class."""

    def interval(self, accuracy: float) -> tuple[float, float]:
        """The 95 % interval of an accuracy on this split (Wilson)."""
        return wilson_interval(round(accuracy * self.images), self.images)


@dataclass(frozen=True)
class TestResults:
    """Results of the winner on the test split."""

    scores: SplitEvaluation
    by_class: Mapping[str, Mapping[str, float]]
    """scikit-learn's classification report: precision, recall, f1-score and support by row."""
    errors: tuple[Misclassified, ...]
    """Misclassified images, the most confident first."""
    reliability_before: tuple[Bin, ...]
    """Reliability bins without the temperature."""
    reliability_after: tuple[Bin, ...]


@dataclass(frozen=True)
class TestEvaluation:
    """SplitEvaluation of the winner, as far as it was possible. `missing` says the rest."""

    splits: Mapping[SplitName, SplitFigures]
    """Splits by name. Empty without the data; without `test` if it was not accessed."""
    majority_class: str | None
    test: TestResults | None
    missing: tuple[str, ...]
    """Sentences on what is missing."""
    validation_calibration: Calibration | None = None
    """Calibration on the validation split. None if the weights or their predictions were not kept."""


def evaluate_on_test(
    database: Database,
    record: StudyRecord,
    trial: TrialRecord,
    *,
    home: Path,
    artifacts: ArtifactStore,
    data: str | None,
) -> TestEvaluation:
    """Evaluate the trial on the data, and once on the test split if its weights were kept. The access is recorded.

    `data`: path of the data on this machine, if not that of the study.
    """
    missing: list[str] = []
    network: tuple[nn.Module, StoredWeights] | None = None
    try:
        network = _network(database, record, trial, artifacts)
    except AutomlError as error:
        missing.append(f"The metrics on the test split: {_continued(str(error))}")
    try:
        splits = LEARNED_FROM if network is None else SPLITS
        loaded = load_study_data(
            record.specification, of=f"study {record.name}", home=home, reference=data, splits=splits
        )
    except DataError as error:
        missing.append(f"Intervals, the majority class and all that needs images: {error}")
        return TestEvaluation({}, None, None, tuple(missing))
    test = calibration = None
    if network is not None:
        calibration = network[1].calibrated(tta=False).calibration
        with database.engine.begin() as connection:
            record_test_access(connection, record, command=COMMAND)
        test = _on_test(*network, loaded, temperature=calibration.temperature)
    majority = int(loaded.class_counts("train").argmax())
    figures = {name: _split_figures(split, majority) for name, split in loaded.splits.items()}
    return TestEvaluation(figures, loaded.class_names[majority], test, tuple(missing), calibration)


def _network(
    database: Database, record: StudyRecord, trial: TrialRecord, artifacts: ArtifactStore
) -> tuple[nn.Module, StoredWeights]:
    """The trial's network with its best epoch's weights.

    Raises: StudyError if they were not kept, or if nobody let the study import its network; TrainingError if their file
    is damaged; ModelError if the network of the user's own cannot be built, or is no longer the one that was trained.
    """
    build_name = trusted_model(record)
    member = read_member(database, trial, artifacts)
    if member is None:
        raise StudyError(f"the weights of trial {trial.number} were not kept")
    specification = record.specification
    build = resolve_builder(build_name)
    data = specification.data
    network = build(Recipe.from_mapping(trial.recipe), data.image_shape, len(data.class_names))
    load_weights(network, member, builder=specification.model)
    return network, member.stored


def _continued(sentence: str) -> str:
    """A sentence behind a colon."""
    return sentence[:1].lower() + sentence[1:] if sentence[1:2].islower() else sentence


def _split_figures(split: Split, majority: int) -> SplitFigures:
    return SplitFigures(len(split), float(np.mean(split.labels_N == majority)))


def _on_test(network: nn.Module, stored: StoredWeights, data: DataSet, *, temperature: float) -> TestResults:
    split, device = data.splits["test"], choose_device()
    logits_NK = predict_logits(
        network.to(device), open_images(split, device), normalization=stored.normalization, precision="float32"
    )
    evaluation = SplitEvaluation.of(
        logits_NK, split.labels_N, class_names=data.class_names, split="test", temperature=temperature
    )
    return TestResults(
        evaluation,
        class_report(evaluation.confusion_KK, data.class_names),
        _errors(logits_NK / temperature, split),
        reliability(logits_NK, split.labels_N),
        reliability(logits_NK / temperature, split.labels_N),
    )


@torch.inference_mode()
def _errors(logits_NK: Tensor, split: Split) -> tuple[Misclassified, ...]:
    """Misclassified images, those with the highest probability of the wrong class first."""
    confidence_N, predicted_N = (values.cpu().numpy() for values in logits_NK.softmax(dim=1).max(dim=1))
    wrong = np.flatnonzero(predicted_N != split.labels_N)
    most_confident = wrong[np.argsort(-confidence_N[wrong], kind="stable")][:MOST_ERRORS]
    return tuple(
        Misclassified(
            split.images_MHWC[split.rows_N[position]],
            int(split.labels_N[position]),
            int(predicted_N[position]),
            float(confidence_N[position]),
        )
        for position in most_confident
    )
