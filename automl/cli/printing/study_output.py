"""Where a study stands and its best trial, in words; `automl status` loads this module, so it imports no rich."""

from __future__ import annotations

from automl.application.durations import clock, describe_split
from automl.cli.output import print_rows, write_line
from automl.cli.printing.export_output import describe_calibration
from automl.metrics import METRICS
from automl.recipe import Recipe, in_words
from automl.results.best import value_so_far
from automl.results.calibrated import Calibrated
from automl.results.status import RunningTrial, StudyStatus
from automl.results.trials import TrialRecord


def print_status(status: StudyStatus) -> None:
    """Where a search stands."""
    total = f" of {status.budget_trials}" if status.budget_trials else ""
    rows = {
        "study": status.study + (" (asked to stop)" if status.stop_requested else ""),
        "trials": f"{status.finished}{total} finished: {status.complete} complete, {status.pruned} pruned, "
        f"{status.failed} failed"
        + (f" ({status.over_limit} pruned untrained, over a limit)" if status.over_limit else ""),
        **({"kinds": ", ".join(f"{n} {kind}" for kind, n in status.failures.items())} if status.failures else {}),
        "queue": f"{len(status.running)} running, {status.waiting} waiting",
        "best": _best(status),
        **_exportable(status),
        "time": clock(status.active_seconds)
        + (f" of {clock(status.budget_seconds)}" if status.budget_seconds else "")
        + (f", about {clock(status.seconds_left)} left" if status.seconds_left is not None else ""),
        **_phase(status),
        "devices": f"{status.device_seconds / 3600:.2f} hours on trials"
        + (f", {status.lost_share:.1%} of it left nothing" if status.device_seconds else "")
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


def _exportable(status: StudyStatus) -> dict[str, str]:
    """The trial that can be exported, where it is not the best complete one."""
    found = status.exportable
    if found is None or found.is_complete:
        return {}
    so_far = f"validation {status.metric} {found.value:.4f} at epoch {found.epoch} so far"
    return {"export": f"trial {found.number}, not complete yet: {so_far}"}


def _phase(status: StudyStatus) -> dict[str, str]:
    """What is being done in which part of the time."""
    if status.phase is None or status.budget_seconds is None:
        return {}
    return {
        "phase": status.phase if status.seconds_left else "over",
        "split": describe_split(status.budget_seconds, status.final_share),
    }


def _running(trial: RunningTrial, metric: str) -> str:
    if trial.is_foreign:
        return "begun outside automl, as study.ask() does; taken over after the grace time"
    if trial.epoch is None:
        return "starting"
    return f"epoch {trial.epoch + 1} of {trial.epochs}, {metric} {trial.value:.4f}"


def print_best(
    study: str, metric: str, trial: TrialRecord, calibrated: Calibrated | None = None, *, model: str | None
) -> None:
    """The best trial, or the one that was asked for, as it is stored; `model` as in `in_words`."""
    worth = trial.state
    if trial.value is not None:
        worth = f"validation {metric.replace('_', ' ')} {trial.value:.4f} at epoch {trial.best_epoch}"
    elif (value := value_so_far(trial, METRICS[metric])) is not None:
        worth += f", validation {metric.replace('_', ' ')} {value:.4f} at epoch {trial.best_epoch} so far"
    write_line(f"Trial {trial.number} of study {study}: {worth}")
    if trial.recipe:
        write_line(f"  {in_words(Recipe.from_mapping(trial.recipe), model=model)}")
    if calibrated is not None:
        write_line(f"  validation {describe_calibration(calibrated.plain.calibration)}")
