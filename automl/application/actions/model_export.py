"""The model that a command is asked for: of one trial, or of an ensemble of the best ones."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from automl.application.command_context import CommandContext
from automl.confirmation.confirmed import RecommendedTrial
from automl.errors import StorageError
from automl.export.export_result import ExportResult
from automl.results.trials import TrialRecord
from automl.study.record import StudyRecord

AWAY_SECONDS = 60.0
"""How long the weights of a finished search may be out of reach before its model is not exported."""
RETRY_SECONDS = 2.0


def wait_for_weights(
    context: CommandContext,
    trial: TrialRecord,
    *,
    log: Callable[[str], None],
    pause: Callable[[float], object] = time.sleep,
) -> None:
    """Return once the weights of a trial can be seen, or after AWAY_SECONDS: then reading them says why not.

    `pause` waits for so many seconds.
    """
    from automl.artifacts.weights import weights_name  # torch takes seconds: `automl best` does without

    with context.database.engine.connect() as connection:
        name = weights_name(connection, trial.trial_id)
    if name is None or (reason := _why_out_of_reach(context, name)) is None:
        return
    log(f"The weights of trial {trial.number} are out of reach; trying for {AWAY_SECONDS:.0f} s ({reason}).")
    for _ in range(round(AWAY_SECONDS / RETRY_SECONDS)):
        pause(RETRY_SECONDS)
        if _why_out_of_reach(context, name) is None:
            return


def _why_out_of_reach(context: CommandContext, name: str) -> str | None:
    try:
        there = context.artifacts.exists(name)
    except (OSError, StorageError) as error:
        return str(error)
    return None if there else f"there is no {context.artifacts.address}/{name}"


def export_model(
    context: CommandContext,
    record: StudyRecord,
    choice: RecommendedTrial,
    path: Path,
    *,
    command: str,
    top: int | None = None,
    single: bool = False,
    tta: bool = False,
    data: str | None = None,
) -> ExportResult:
    """Write the model of the chosen trial, or with `top` of those of the best so many that do best together.

    Without either and without `single`, a search with a time budget exports the ensemble of all its trials with stored
    weights, where it beats the chosen trial by more than noise. A confirmation has chosen for itself.

    `command`: the name of the command in the study's test-split accesses. `data`, `tta`: as `export_ensemble` says.

    Raises: as `export_ensemble`.
    """
    from automl.export import ensemble, trial_model  # torch takes seconds: `automl best` does without

    database, artifacts, home = context.database, context.artifacts, context.home
    chosen = None
    if top is not None:
        chosen = ensemble.choose_ensemble(database, record, top=top, tta=tta, artifacts=artifacts)
    elif not single and not choice.is_confirmed and record.budget_seconds is not None:
        chosen = ensemble.decide_ensemble(database, record, choice.trial, tta=tta, artifacts=artifacts)
    if chosen is not None:
        return trial_model.export_ensemble(
            database, record, chosen, path, home=home, data=data, tta=tta, command=command
        )
    return trial_model.export_trial(
        database, choice.record, choice.trial, path, home=home, artifacts=artifacts, data=data, tta=tta, command=command
    )
