"""Which of a study's best trials vote together."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from automl.artifacts.store import ArtifactStore
from automl.confirmation.best_trials import best_trials
from automl.errors import StudyError
from automl.export.ensemble_members import Voter, read_voter, trial_label
from automl.export.size_limits import ensemble_fits
from automl.metrics import METRICS
from automl.results.results import TrialRecord
from automl.storage.database import Database
from automl.study.limits import in_words
from automl.study.specification import Specification
from automl.study.study import StudyRecord
from automl.training.evaluation.ensemble_selection import choose_shares
from automl.training.evaluation.predictions import Predictions


@dataclass(frozen=True)
class Ensemble:
    """Networks that vote, the best one first."""

    voters: tuple[Voter, ...]
    alone: Voter
    """The best trial that could be asked: what the vote is compared with."""
    notes: tuple[str, ...]
    """Who could not vote, and why: a sentence each."""


def choose_ensemble(
    database: Database, record: StudyRecord, *, top: int, tta: bool, artifacts: ArtifactStore
) -> Ensemble:
    """Choose among the best `top` trials on their stored validation predictions.

    Raises: StudyError if none of them can vote, or weights are not where they should be.
    """
    with database.engine.connect() as connection:
        trials = best_trials(connection, record, top)
    notes = [] if len(trials) == top else [f"--top {top}: study {record.name} has {len(trials)} complete trials."]
    candidates, missing = _candidates(database, record, trials, artifacts)
    notes += missing
    if not candidates:
        raise StudyError(f"None of the best {top} trials of study {record.name} can vote. {' '.join(notes)}")
    distinct, twins = _distinct(candidates, record)
    notes += twins
    within = _within_limits(distinct, record.specification, tta=tta)
    shares = choose_shares(
        [_kept(one) for one in within],
        metric=METRICS[record.specification.metric],
        tta=tta,
        may_vote=lambda together: ensemble_fits(
            record.specification, [within[position].trial for position in together], tta=tta
        ),
    )
    voters = [dataclasses.replace(one, share=share) for one, share in zip(within, shares, strict=True) if share > 0]
    if len(voters) == 1 and top > 1:
        notes.append(f"Trial {trial_label(voters[0].trial, record)} alone is the best vote: no other makes it better.")
    return Ensemble(tuple(voters), candidates[0], tuple(notes))


def _candidates(
    database: Database, record: StudyRecord, trials: Sequence[TrialRecord], artifacts: ArtifactStore
) -> tuple[list[Voter], list[str]]:
    found = {trial_label(trial, record): read_voter(database, trial, artifacts) for trial in trials}
    dropped = [number for number, voter in found.items() if voter is None]
    silent = [number for number, voter in found.items() if voter and voter.stored.predictions is None]
    notes = []
    if dropped:
        notes.append(
            f"{_trials(dropped)} cannot vote: the weights were deleted, because the study keeps those of its best "
            f"{record.specification.keep} (--keep N of a new study keeps more)."
        )
    if silent:
        notes.append(f"{_trials(silent)} cannot vote: an older automl did not keep the validation predictions.")
    return [voter for voter in found.values() if voter and voter.stored.predictions is not None], notes


def _distinct(candidates: Sequence[Voter], record: StudyRecord) -> tuple[list[Voter], list[str]]:
    """Leave out those that answer exactly as a better one: the same recipe and seed, carried over or tried again."""
    distinct: list[Voter] = []
    notes = []
    for candidate in candidates:
        twin = next((one for one in distinct if _same(_kept(one), _kept(candidate))), None)
        if twin is None:
            distinct.append(candidate)
        else:
            mine, other = (trial_label(one.trial, record) for one in (candidate, twin))
            notes.append(f"Trial {mine} answers exactly as trial {other}: left out.")
    return distinct, notes


def _within_limits(candidates: Sequence[Voter], specification: Specification, *, tta: bool) -> list[Voter]:
    """Those that may be exported alone.

    Raises: StudyError if none may.
    """
    within = [one for one in candidates if ensemble_fits(specification, [one.trial], tta=tta)]
    if not within:
        raise StudyError(over_with_mirror_images(specification))
    return within


def over_with_mirror_images(specification: Specification) -> str:
    """Why nothing can be exported: the trials themselves were within the limits."""
    return (
        f"With mirror images each network takes twice its time, more than the study's limit allows "
        f"({in_words(specification)}). Leave --tta out."
    )


def _kept(voter: Voter) -> Predictions:
    assert voter.stored.predictions is not None
    return voter.stored.predictions


def _same(one: Predictions, other: Predictions) -> bool:
    return torch.equal(one.votes_NK, other.votes_NK) and torch.equal(one.mirrored_votes_NK, other.mirrored_votes_NK)


def _trials(numbers: Sequence[str]) -> str:
    *most, last = numbers
    return f"Trials {', '.join(most)} and {last}" if most else f"Trial {last}"
