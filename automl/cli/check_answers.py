"""What `automl check` prints; imported only where torch is loaded anyway."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from automl.cli.answers import clock, print_rows
from automl.cli.terminal import TextTable, print_table, write_line
from automl.preflight.environment_checks import Finding
from automl.preflight.model_checks import ModelCheck
from automl.recipe import network_in_words
from automl.study.study import Budget


@dataclass(frozen=True)
class Answer:
    """All that was found."""

    findings: Sequence[Finding]
    models: Sequence[ModelCheck]
    """The smallest first."""
    workers: int
    budget: Budget

    def problems(self) -> list[str]:
        """A sentence on each thing that is wrong."""
        wrong = [finding.text for finding in self.findings if not finding.is_fine]
        return wrong + [model.problem for model in self.models if model.problem]

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "problems": self.problems(),
            "surroundings": [asdict(finding) for finding in self.findings],
            "models": [model.as_dict() for model in self.models],
            "workers": self.workers,
            "budget_trials": self.budget.planned_trials,
            "budget_seconds": self.budget.seconds,
        }


def print_answer(answer: Answer) -> None:
    """A line for each of the surroundings, a row for each network, and what the budget takes."""
    print_rows({finding.name: ("" if finding.is_fine else "WRONG: ") + finding.text for finding in answer.findings})
    write_line()
    print_table(_model_table(answer))
    write_line()
    for line in _forecast(answer):
        write_line(line)


def _model_table(answer: Answer) -> TextTable:
    table = TextTable(box=None, pad_edge=False)
    for title in ("network", "parameters", "learnt by heart", "an epoch", "memory", "trials an hour", "what it is"):
        table.add_column(title, justify="left" if title in ("network", "what it is") else "right")
    for model in answer.models:
        table.add_row(
            model.sized.size,
            f"{model.sized.parameters:,}",
            _learnt(model),
            f"{model.pace.seconds_an_epoch:.2f} s" if model.pace else "-",
            f"{model.pace.memory_bytes / 2**20:,.0f} MiB" if model.pace else "-",
            f"{model.trials_an_hour:,.1f}" if model.trials_an_hour else "-",
            network_in_words(model.sized.recipe),
        )
    return table


def _learnt(model: ModelCheck) -> str:
    if model.learning is None:
        return "-"
    if model.learning.is_complete:
        return f"{model.learning.images} images in {model.learning.epochs} epochs"
    return f"{model.learning.worst:.0%} of {model.learning.images} images"


def _forecast(answer: Answer) -> Iterator[str]:
    """What the budget takes, or holds, if all trials are like one of the networks."""
    workers = "1 worker" if answer.workers == 1 else f"{answer.workers} workers"
    for model in answer.models:
        if model.trials_an_hour is None:
            continue
        if (trials := answer.budget.planned_trials) is not None:
            seconds = trials / model.trials_an_hour * 3600
            yield f"{trials} trials like the {model.sized.size}, with {workers}: {clock(seconds)}"
        if answer.budget.seconds is not None:
            held = answer.budget.seconds / 3600 * model.trials_an_hour
            yield f"in {clock(answer.budget.seconds)}, with {workers}: {held:,.0f} trials like the {model.sized.size}"
    yield "Pruning makes it less; drawing, storing and reporting a little more."
