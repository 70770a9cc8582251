"""What commands print for people: tables and sentences on standard output."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import yaml

from automl.application.console import TextTable, clock
from automl.cli.output import print_table, write_line
from automl.data.sizing import AUTO
from automl.errors import StudyError
from automl.export.export_result import EnsembleResult, ExportResult
from automl.metrics import Calibration, EpochResult
from automl.recipe import Recipe, in_words
from automl.results.calibrated import Calibrated
from automl.results.status import RunningTrial, StudyStatus
from automl.results.studies import StudySummary
from automl.results.trials import TrialRecord
from automl.sanitize import one_line
from automl.study.record import StudyRecord


def print_status(status: StudyStatus) -> None:
    """Where a search stands."""
    total = f" of {status.budget_trials}" if status.budget_trials else ""
    rows = {
        "study": status.study + (" (told to stop)" if status.stop_requested else ""),
        "trials": f"{status.finished}{total} finished: {status.complete} complete, {status.pruned} pruned, "
        f"{status.failed} failed"
        + (f" ({status.over_limit} pruned untrained, over a limit)" if status.over_limit else ""),
        **({"kinds": ", ".join(f"{n} {kind}" for kind, n in status.failures.items())} if status.failures else {}),
        "queue": f"{len(status.running)} running, {status.waiting} waiting",
        "best": _best(status),
        "time": clock(status.active_seconds)
        + (f" of {clock(status.budget_seconds)}" if status.budget_seconds else "")
        + (f", about {clock(status.seconds_left)} left" if status.seconds_left is not None else ""),
        "devices": f"{status.device_seconds / 3600:.2f} hours on trials"
        + (f", at most {clock(status.trial_seconds)} on one" if status.trial_seconds else ""),
    }
    rows |= {
        f"worker {worker.worker_index}": f"{worker.device}, {worker.host}, process {worker.pid}"
        for worker in status.workers
    }
    rows |= {f"trial {trial.number}": _running(trial, status.metric) for trial in status.running}
    print_rows(rows)


def _best(status: StudyStatus) -> str:
    if status.best is None:
        return "no complete trial yet"
    epoch = "" if status.best.epoch is None else f" at epoch {status.best.epoch}"
    return f"trial {status.best.number}: validation {status.metric} {status.best.value:.4f}{epoch}"


def _running(trial: RunningTrial, metric: str) -> str:
    if trial.epoch is None:
        return "starting"
    return f"epoch {trial.epoch + 1} of {trial.epochs}, {metric} {trial.value:.4f}"


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
        rows["attempts"] = f"{trial.attempt + 1}: it changed hands{vanished}"
    if trial.began_again is not None:
        rows["again"] = trial.began_again
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


def recipe_document(record: StudyRecord, trial: TrialRecord) -> dict[str, Any]:
    """What the file holds that `automl train` repeats the trial from.

    Raises: StudyError if the trial has no recipe yet.
    """
    if not trial.recipe:
        raise StudyError(f"Trial {trial.number} of study {record.name} has no recipe: it is {trial.state}.")
    specification = record.specification
    run: dict[str, Any] = {"metric": specification.metric, "split_seed": specification.seed}
    if specification.data.sizing.image_size is not None:
        run["image_size"] = specification.data.sizing.image_size
    if specification.data.sizing != AUTO:
        run["fit"] = specification.data.sizing.fit
    if specification.model:
        run["model"] = specification.model
    if trial.threads is not None:
        run["threads"] = trial.threads
    return {**trial.recipe, "run": run}


def recipe_yaml(record: StudyRecord, trial: TrialRecord) -> str:
    """That file, with where it comes from.

    Raises: StudyError if the trial has no recipe yet.
    """
    specification, document = record.specification, recipe_document(record, trial)
    worth = (
        f": validation {specification.metric} {trial.value:.4f} at epoch {trial.best_epoch}"
        if trial.value is not None
        else ""
    )
    reference = shlex.quote(one_line(specification.data.reference))  # a line end in it would end the comment
    return (
        f"# Trial {trial.number} of study {record.name}{worth}.\n"
        f"# Repeat it: automl train RECIPE.yaml --data {reference} --export model.pt\n"
        + yaml.safe_dump(document, sort_keys=False)
    )


def print_best(
    study: str, metric: str, trial: TrialRecord, calibrated: Calibrated | None = None, *, model: str | None
) -> None:
    """The best trial, or the one that was asked for, as it is stored; `model` as in `in_words`."""
    worth = trial.state
    if trial.value is not None:
        worth = f"validation {metric.replace('_', ' ')} {trial.value:.4f} at epoch {trial.best_epoch}"
    write_line(f"Trial {trial.number} of study {study}: {worth}")
    if trial.recipe:
        write_line(f"  {in_words(Recipe.from_mapping(trial.recipe), model=model)}")
    if calibrated is not None:
        write_line(f"  validation {in_calibration(calibrated.plain.calibration)}")


def in_calibration(found: Calibration) -> str:
    """`calibration error 0.0120 with temperature 1.420, 0.0312 without`."""
    return (
        f"calibration error {found.error_after:.4f} with temperature {found.temperature:.3f}, "
        f"{found.error_before:.4f} without"
    )


def print_exported(exported: ExportResult) -> None:
    """Where the model is, and how it did on the test split."""
    if exported.test is not None:
        low, high = exported.test.accuracy_interval
        write_line(
            f"  test accuracy {exported.test.accuracy:.4f} (95 % interval {low:.3f} to {high:.3f}, "
            f"{exported.test.images:,} images), macro F1 {exported.test.macro_f1:.4f}"
        )
        write_line(f"  test {in_calibration(exported.test.calibration)}")
    if exported.ensemble is not None:
        print_vote(exported.ensemble)
    for warning in exported.warnings:
        write_line(f"  {warning}")
    compared = exported.comparison
    write_line(f"model  {exported.path} ({exported.path.stat().st_size / 1e6:.1f} MB)")
    images = "images of noise" if compared.of == "noise" else f"{compared.of} images"
    write_line(
        f"  run from the file, its probabilities differ by at most {compared.largest_difference:.2g} from those of the "
        f"model in memory ({compared.images:,} {images})"
    )
    write_line(f"card   {exported.card}")


def print_vote(vote: EnsembleResult) -> None:
    """Who votes, what it gains over the best trial alone, and what it costs."""
    together, alone = vote.together, vote.alone
    members = ", ".join(f"trial {number} ({share:.0%})" for number, share in vote.shares.items())
    mirrored = ", each image averaged with its mirror image" if vote.tta else ""
    write_line(f"  vote  {members}{mirrored}; compared with trial {vote.alone_trial} alone:")
    gains = [
        f"{split} {found:.4f} instead of {before:.4f}"
        for split, found, before in (
            ("validation", together.validation, alone.validation),
            ("test", together.test, alone.test),
        )
        if found is not None and before is not None
    ]
    write_line(f"  gain  {vote.metric.replace('_', ' ')}, chosen on validation: {', '.join(gains) or 'unknown'}")
    write_line(
        f"  cost  {together.parameters:,} parameters instead of {alone.parameters:,}, {together.milliseconds:.3g} ms "
        f"an image instead of {alone.milliseconds:.3g} ({vote.device})"
    )


def print_rows(rows: Mapping[str, str]) -> None:
    """Names and values, one a line, the values aligned."""
    width = max(len(name) for name in rows)
    for name, value in rows.items():
        write_line(f"{name:<{width}}  " + value.replace("\n", "\n" + " " * (width + 2)))
