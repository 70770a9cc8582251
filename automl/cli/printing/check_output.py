"""What `automl check` prints; imported only where torch is loaded anyway."""

from __future__ import annotations

from collections.abc import Iterator

from automl.application.console import TextTable
from automl.application.durations import clock
from automl.cli.output import print_rows, write_line
from automl.cli.printing.tables import print_table
from automl.preflight.checking import CheckReport
from automl.preflight.model_checks import ModelCheck
from automl.recipe import network_in_words


def print_check(report: CheckReport) -> None:
    """A line for each check of the environment, a row for each network, and what the budget takes."""
    print_rows({finding.name: ("" if finding.is_fine else "WRONG: ") + finding.text for finding in report.findings})
    write_line()
    print_table(_model_table(report))
    write_line()
    for line in _forecast(report):
        write_line(line)


def _model_table(report: CheckReport) -> TextTable:
    table = TextTable(box=None, pad_edge=False)
    for title in ("network", "parameters", "overfits", "an epoch", "memory", "trials an hour", "what it is"):
        table.add_column(title, justify="left" if title in ("network", "what it is") else "right")
    for model in report.models:
        table.add_row(
            model.sized.size,
            f"{model.sized.parameters:,}",
            _overfits(model),
            f"{model.pace.seconds_an_epoch:.2f} s" if model.pace else "-",
            f"{model.pace.memory_bytes / 2**20:,.0f} MiB" if model.pace else "-",
            f"{model.trials_an_hour:,.1f}" if model.trials_an_hour else "-",
            network_in_words(model.sized.recipe),
        )
    return table


def _overfits(model: ModelCheck) -> str:
    if model.overfit is None:
        return "-"
    if model.overfit.is_complete:
        return f"{model.overfit.images} images in {model.overfit.epochs} epochs"
    return f"{model.overfit.worst:.0%} of {model.overfit.images} images"


def _forecast(report: CheckReport) -> Iterator[str]:
    """What the budget takes, or holds, if all trials are like one of the networks."""
    workers = "1 worker" if report.workers == 1 else f"{report.workers} workers"
    for model in report.models:
        if model.trials_an_hour is None:
            continue
        if (trials := report.budget.planned_trials) is not None:
            seconds = trials / model.trials_an_hour * 3600
            yield f"{trials} trials like the {model.sized.size}, with {workers}: {clock(seconds)}"
        if report.budget.seconds is not None:
            held = report.budget.seconds / 3600 * model.trials_an_hour
            yield f"in {clock(report.budget.seconds)}, with {workers}: {held:,.0f} trials like the {model.sized.size}"
    yield "Pruning makes it less; drawing, storing and reporting a little more."
