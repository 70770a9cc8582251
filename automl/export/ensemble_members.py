"""Trials that vote in one model, by what was stored of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from automl.artifacts.store import ArtifactStore
from automl.artifacts.weights import StoredWeights, read_weights, weights_name
from automl.errors import ModelError, StudyError
from automl.export.card import ModelCard
from automl.export.model_file import build_networks
from automl.export.prediction.model import Model
from automl.metrics import CalibratedFigures
from automl.results.results import TrialRecord
from automl.storage.database import Database
from automl.study.study import StudyRecord
from automl.training.evaluation.calibration import figures_of
from automl.training.evaluation.ensemble_selection import pooled


@dataclass(frozen=True)
class Voter:
    """A trial, and what is kept of it."""

    trial: TrialRecord
    stored: StoredWeights
    share: float = 1.0
    """In the vote; those of all voters add up to 1."""


def trial_label(trial: TrialRecord, home: StudyRecord) -> str:
    """Its number, as in `7`; of another study than `home` with the name, as in `digits-confirmed/7`."""
    return str(trial.number) if trial.study == home.name else f"{trial.study}/{trial.number}"


def read_voter(database: Database, trial: TrialRecord, artifacts: ArtifactStore) -> Voter | None:
    """Read what is kept of a complete trial; None if its weights were not kept.

    Raises: StudyError if they should be there, and are not; TrainingError if the file is damaged.
    """
    with database.engine.connect() as connection:
        name = weights_name(connection, trial.trial_id)
    if name is None:
        return None
    try:
        return Voter(trial, read_weights(artifacts, name))
    except FileNotFoundError as error:
        raise StudyError(
            f"The weights of trial {trial.number} should be in {artifacts.address}/{name}, and are not. "
            "If the artifacts are elsewhere, say where with --artifacts (AUTOML_ARTIFACTS)."
        ) from error


def figures_of_vote(voters: Sequence[Voter], *, tta: bool) -> CalibratedFigures | None:
    """On the validation split, with the temperature that the vote asks for; None where that was not kept."""
    kept = [voter.stored.predictions for voter in voters if voter.stored.predictions is not None]
    if len(kept) < len(voters):
        return None
    logits_NK = pooled(kept, [voter.share for voter in voters], tta=tta)
    return figures_of(logits_NK, kept[0].labels_N.numpy().astype(np.int64))


def build_vote(voters: Sequence[Voter], card: ModelCard, device: torch.device) -> Model:
    """The model that a card of these voters describes.

    Raises: ModelError if the code that builds the networks has changed since they were trained.
    """
    networks = build_networks(card)
    for network, voter in zip(networks, voters, strict=True):
        try:
            network.load_state_dict(dict(voter.stored.weights), assign=True)
        except RuntimeError as error:
            raise ModelError(
                f"{card.provenance.builder or 'This automl'} builds another network than the one that trial "
                f"{voter.trial.number} trained. Bring its code back to what it was then."
            ) from error
    return Model(networks, card, device)
