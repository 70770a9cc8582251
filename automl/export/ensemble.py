"""Choice of an ensemble among a study's best trials: as a command asks for it, or where it proves itself."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from automl.artifacts.store import ArtifactStore
from automl.confirmation.best_trials import best_trials
from automl.errors import StudyError, TrainingError
from automl.export.ensemble_members import EnsembleMember, read_member, trial_label
from automl.export.export_result import EnsembleDecision
from automl.export.size_limits import ensemble_fits
from automl.metrics import METRICS
from automl.results.best import best_kept
from automl.results.trials import TrialRecord
from automl.storage.database import Database
from automl.study.limits import in_words
from automl.study.record import StudyRecord
from automl.study.specification import Specification
from automl.training.evaluation.ensemble_gain import EnsembleGain, measure_gain
from automl.training.evaluation.ensemble_selection import Allowed, choose_shares
from automl.training.evaluation.predictions import Predictions


@dataclass(frozen=True)
class Ensemble:
    """Members of an ensemble, and the trial it is compared with."""

    members: tuple[EnsembleMember, ...]
    """Members, the best one first."""
    alone: EnsembleMember
    """Best trial with stored weights, with which the ensemble is compared."""
    notes: tuple[str, ...]
    """Sentences on trials that could not be members, and why."""
    decision: EnsembleDecision | None = None
    """Why these are the members, where the ensemble had to prove itself against the best trial."""


def choose_ensemble(
    database: Database, record: StudyRecord, *, top: int, tta: bool, artifacts: ArtifactStore
) -> Ensemble:
    """Choose among the best `top` trials on their stored validation predictions.

    Raises: StudyError if none of them can be exported, or weights are not where they should be.
    """
    with database.engine.connect() as connection:
        trials = best_trials(connection, record, top)
    notes = [] if len(trials) == top else [f"--top {top}: study {record.name} has {len(trials)} complete trials."]
    candidates, missing = _candidates(database, record, trials, artifacts)
    notes += missing
    if not candidates:
        raise StudyError(
            f"None of the best {top} trials of study {record.name} can be a member of an ensemble. {' '.join(notes)}"
        )
    distinct, twins = _distinct(candidates, record)
    notes += twins
    within = _within_limits(distinct, record.specification, tta=tta)
    members = _choose(within, record.specification, tta=tta)
    if len(members) == 1 and top > 1:
        notes.append(
            f"Trial {trial_label(members[0].trial, record)} alone is the best ensemble: no other trial improves it."
        )
    return Ensemble(tuple(members), candidates[0], tuple(notes))


def decide_ensemble(
    database: Database, record: StudyRecord, best: TrialRecord, *, tta: bool, artifacts: ArtifactStore
) -> Ensemble | None:
    """Choose among all trials of a search with stored weights: their ensemble where it beats the best one, else that.

    The gain has to be larger than its own noise on the validation split (`measure_gain`). None where there is nothing
    to choose, because weights of `best` or of all others are not there.
    """
    with database.engine.connect() as connection:
        trials = best_kept(connection, record)
    members, notes = _readable(database, trials, artifacts)
    distinct, _ = _distinct(members, record)
    within = [one for one in distinct if ensemble_fits(record.specification, [one.trial], tta=tta)]
    if len(within) < 2 or within[0].trial.trial_id != best.trial_id:
        return None
    chosen = _choose(within, record.specification, tta=tta)
    alone = Ensemble((within[0],), within[0], tuple(notes))
    if len(chosen) == 1:
        return alone
    gain = measure_gain(
        [one.stored.predictions for one in within],
        metric=METRICS[record.specification.metric],
        tta=tta,
        is_allowed=_allowed(within, record.specification, tta=tta),
    )
    if gain is None:
        return alone
    decision = _decision(record.specification, len(chosen), gain)
    members = chosen if decision.is_taken else [within[0]]
    return Ensemble(tuple(members), within[0], tuple(notes), decision)


def _decision(specification: Specification, count: int, found: EnsembleGain) -> EnsembleDecision:
    return EnsembleDecision(
        members=count,
        metric=specification.metric,
        together=found.together,
        alone=found.alone,
        gain=found.gain,
        noise=found.noise,
        is_taken=found.is_beyond_noise,
    )


def _choose(within: Sequence[EnsembleMember], specification: Specification, *, tta: bool) -> list[EnsembleMember]:
    """Greedy choice, each member with its share."""
    shares = choose_shares(
        [one.stored.predictions for one in within],
        metric=METRICS[specification.metric],
        tta=tta,
        is_allowed=_allowed(within, specification, tta=tta),
    )
    return [dataclasses.replace(one, share=share) for one, share in zip(within, shares, strict=True) if share > 0]


def _allowed(within: Sequence[EnsembleMember], specification: Specification, *, tta: bool) -> Allowed:
    """Whether members, by position, are within the study's limits together."""

    def fits(together: frozenset[int]) -> bool:
        return ensemble_fits(specification, [within[position].trial for position in together], tta=tta)

    return fits


def _readable(
    database: Database, trials: Sequence[TrialRecord], artifacts: ArtifactStore
) -> tuple[list[EnsembleMember], list[str]]:
    """Members whose files are there. A note on each of the others: no ensemble is worth a failed export."""
    members, notes = [], []
    for trial in trials:
        try:
            member = read_member(database, trial, artifacts)
        except (StudyError, TrainingError) as error:
            notes.append(f"Trial {trial.number} is left out: {error}")
        else:
            members += [member] if member else []
    return members, notes


def _candidates(
    database: Database, record: StudyRecord, trials: Sequence[TrialRecord], artifacts: ArtifactStore
) -> tuple[list[EnsembleMember], list[str]]:
    found = {trial_label(trial, record): read_member(database, trial, artifacts) for trial in trials}
    dropped = [number for number, member in found.items() if member is None]
    notes = []
    if dropped:
        notes.append(
            f"{_trials(dropped)} cannot be used: the weights were deleted, because the study keeps those of its best "
            f"{record.specification.keep} (--keep N of a new study keeps more)."
        )
    return [member for member in found.values() if member], notes


def _distinct(candidates: Sequence[EnsembleMember], record: StudyRecord) -> tuple[list[EnsembleMember], list[str]]:
    """Leave out trials with the predictions of a better one: the same recipe and seed, imported or tried again."""
    distinct: list[EnsembleMember] = []
    notes = []
    for candidate in candidates:
        twin = next((one for one in distinct if _same(one.stored.predictions, candidate.stored.predictions)), None)
        if twin is None:
            distinct.append(candidate)
        else:
            mine, other = (trial_label(one.trial, record) for one in (candidate, twin))
            notes.append(f"Trial {mine} has the same predictions as trial {other}: left out.")
    return distinct, notes


def _within_limits(
    candidates: Sequence[EnsembleMember], specification: Specification, *, tta: bool
) -> list[EnsembleMember]:
    """Members that may be exported alone.

    Raises: StudyError if none may.
    """
    within = [one for one in candidates if ensemble_fits(specification, [one.trial], tta=tta)]
    if not within:
        raise StudyError(over_with_mirror_images(specification))
    return within


def over_with_mirror_images(specification: Specification) -> str:
    """Say why nothing can be exported, although the trials themselves were within the limits."""
    return (
        f"With mirror images each network takes twice its time, more than the study's limit allows "
        f"({in_words(specification)}). Leave --tta out."
    )


def _same(one: Predictions, other: Predictions) -> bool:
    pairs = zip(one.as_document().values(), other.as_document().values(), strict=True)
    return all(torch.equal(*pair) for pair in pairs)


def _trials(numbers: Sequence[str]) -> str:
    *most, last = numbers
    return f"Trials {', '.join(most)} and {last}" if most else f"Trial {last}"
