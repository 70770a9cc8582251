"""Tables of studies and of one trial."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from automl.application.console import TextTable
from automl.application.durations import clock
from automl.cli.output import print_rows
from automl.cli.printing.tables import print_table
from automl.metrics import EpochResult
from automl.recipe import Recipe, in_words
from automl.results.studies import StudySummary
from automl.results.trials import TrialRecord
from automl.study.record import StudyRecord


def print_studies(summaries: Iterable[StudySummary]) -> None:
    """One line a study."""
    table = TextTable(box=None, pad_edge=False)
    for title in ("study", "data", "metric", "trials", "best", "created"):
        table.add_column(title, justify="right" if title in ("trials", "best") else "left")
    for summary in summaries:
        trials = f"{summary.finished}" + (f" of {summary.budget_trials}" if summary.budget_trials else "")
        best = f"{summary.best:.4f}" if summary.best is not None else "-"
        table.add_row(summary.study, summary.data, summary.metric, trials, best, summary.created_at)
    print_table(table)


def print_trial(record: StudyRecord, trial: TrialRecord) -> None:
    """One trial, with its learning curve as numbers."""
    rows = {"trial": f"{trial.number} of study {record.name}", "state": trial.state}
    if trial.value is not None:
        rows["value"] = f"validation {record.specification.metric} {trial.value:.4f} at epoch {trial.best_epoch}"
    if trial.failure is not None:
        name = "failure" if trial.completed_at else "before"
        rows[name] = f"{trial.failure}: {str(trial.reason).strip()}"
    if trial.recipe:
        rows["recipe"] = in_words(Recipe.from_mapping(trial.recipe), model=record.specification.model)
    if trial.parameters is not None:
        milliseconds = "" if trial.milliseconds is None else f", {trial.milliseconds:.3g} ms an image"
        rows["size"] = f"{trial.parameters:,} parameters{milliseconds}"
    if trial.attempt:
        vanished = f", {trial.lost} of its workers vanished" if trial.lost else ""
        rows["attempts"] = f"{trial.attempt + 1}: it was reassigned{vanished}"
    if remarks := trial.remarks():
        rows["note"] = " ".join(remarks)
    if trial.seconds:
        rows["time"] = clock(trial.seconds)
    print_rows(rows)
    if trial.epochs:
        print_table(_curve(trial))


def _curve(trial: TrialRecord) -> TextTable:
    columns: dict[str, Callable[[EpochResult], str]] = {
        "epoch": lambda e: str(e.epoch),
        "train loss": lambda e: f"{e.train_loss:.4f}",
        "train acc.": lambda e: f"{e.train_accuracy:.4f}",
        "val. loss": lambda e: f"{e.validation_loss:.4f}",
        "val. acc.": lambda e: f"{e.validation_accuracy:.4f}",
        "macro F1": lambda e: f"{e.validation_macro_f1:.4f}",
        "seconds": lambda e: f"{e.seconds:.2f}",
    }
    table = TextTable(*columns, box=None, pad_edge=False)
    for result in trial.epochs:
        table.add_row(
            *(write(result) for write in columns.values()), style="bold" if result.epoch == trial.best_epoch else ""
        )
    return table
