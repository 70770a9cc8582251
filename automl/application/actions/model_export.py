"""The model that a command is asked for: of one trial, or of an ensemble of the best ones."""

from __future__ import annotations

from pathlib import Path

from automl.application.command_context import CommandContext
from automl.confirmation.confirmed import RecommendedTrial
from automl.export.export_result import ExportResult
from automl.study.record import StudyRecord


def export_model(
    context: CommandContext,
    record: StudyRecord,
    choice: RecommendedTrial,
    path: Path,
    *,
    command: str,
    top: int | None = None,
    tta: bool = False,
    data: str | None = None,
) -> ExportResult:
    """Write the model of the chosen trial, or with `top` of those of the best so many that do best together.

    `command`: the name of the command in the study's test-split accesses. `data`, `tta`: as `export_ensemble` says.

    Raises: as `export_ensemble`.
    """
    from automl.export import ensemble, trial_model  # torch takes seconds: `automl best` does without

    database, artifacts, home = context.database, context.artifacts, context.home
    if top is None:
        return trial_model.export_trial(
            database,
            choice.record,
            choice.trial,
            path,
            home=home,
            artifacts=artifacts,
            data=data,
            tta=tta,
            command=command,
        )
    chosen = ensemble.choose_ensemble(database, record, top=top, tta=tta, artifacts=artifacts)
    return trial_model.export_ensemble(database, record, chosen, path, home=home, data=data, tta=tta, command=command)
