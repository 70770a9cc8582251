"""Members of an ensemble, read from what is stored of their trials."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from automl.artifacts.store import ArtifactStore
from automl.artifacts.weights import StoredWeights, read_weights, weights_name
from automl.errors import ModelError, StudyError
from automl.export.card import ModelCard
from automl.export.model_file import build_networks
from automl.export.prediction.model import Model
from automl.metrics import CalibratedFigures
from automl.results.trials import TrialRecord
from automl.storage.database import Database
from automl.study.record import StudyRecord
from automl.training.evaluation.calibration import figures_of
from automl.training.evaluation.ensemble_selection import pooled


@dataclass(frozen=True)
class EnsembleMember:
    """A trial, its stored weights, and its share in the ensemble."""

    trial: TrialRecord
    stored: StoredWeights
    share: float = 1.0
    """Share in the ensemble. The shares of all members add up to 1."""


def trial_label(trial: TrialRecord, home: StudyRecord) -> str:
    """Its number, as in `7`; of another study than `home` with the name, as in `digits-confirmed/7`."""
    return str(trial.number) if trial.study == home.name else f"{trial.study}/{trial.number}"


def read_member(database: Database, trial: TrialRecord, artifacts: ArtifactStore) -> EnsembleMember | None:
    """Read what is stored of a complete trial. None if its weights were not kept.

    Raises: StudyError if they should be there, and are not; TrainingError if the file is damaged.
    """
    with database.engine.connect() as connection:
        name = weights_name(connection, trial.trial_id)
    if name is None:
        return None
    try:
        return EnsembleMember(trial, read_weights(artifacts, name))
    except FileNotFoundError as error:
        raise StudyError(
            f"The weights of trial {trial.number} are not in {artifacts.address}/{name}. "
            "If the artifacts are elsewhere, say where with --artifacts (AUTOML_ARTIFACTS)."
        ) from error


def load_weights(network: nn.Module, member: EnsembleMember, *, builder: str | None) -> None:
    """Bring a trial's weights into the network that its recipe makes. `builder`: of a network of the user's own.

    Raises: ModelError if the code that builds the network has changed since it was trained.
    """
    try:
        network.load_state_dict(dict(member.stored.weights), assign=True)
    except RuntimeError as error:
        raise ModelError(
            f"{builder or 'This automl'} builds another network than the one that trial {member.trial.number} trained. "
            "Bring its code back to what it was then."
        ) from error


def ensemble_figures(members: Sequence[EnsembleMember], *, tta: bool) -> CalibratedFigures:
    """Metrics on the validation split, with the fitted temperature."""
    kept = [member.stored.predictions for member in members]
    logits_NK = pooled(kept, [member.share for member in members], tta=tta)
    return figures_of(logits_NK, kept[0].labels_N.numpy().astype(np.int64))


def build_ensemble(members: Sequence[EnsembleMember], card: ModelCard, device: torch.device) -> Model:
    """Build the model that a card of these members describes.

    Raises: ModelError if the code that builds the networks has changed since they were trained.
    """
    networks = build_networks(card)
    for network, member in zip(networks, members, strict=True):
        load_weights(network, member, builder=card.provenance.builder)
    return Model(networks, card, device)
