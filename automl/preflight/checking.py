"""All checks before a search: its environment, and whether the networks of its space can learn."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from automl.artifacts.opening import open_artifacts
from automl.data.dataset import DataSet
from automl.preflight import environment_checks
from automl.preflight.environment_checks import Finding
from automl.preflight.model_checks import ModelCheck, ModelChecks
from automl.settings import Settings
from automl.study.granting import Budget
from automl.study.specification import Specification


@dataclass(frozen=True)
class CheckReport:
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


def run_checks(
    specification: Specification,
    data: DataSet,
    budget: Budget,
    *,
    settings: Settings,
    home: Path,
    storage: str | None,
    artifacts: str | None,
    device: str,
    workers: int,
    log: Callable[[str], None],
) -> CheckReport:
    """Look at everything that a search with so many workers stands on.

    `storage`, `artifacts`, `device`: as the options of that name. `log`: gets a line a network, since a large one
    takes minutes.

    Raises: AutomlError for a device or artifacts that cannot be used.
    """
    store = open_artifacts(settings.artifacts(artifacts, home=home), settings.values)
    torch.set_num_threads(max(1, (os.cpu_count() or 1) // workers))  # as a worker computes
    chosen, of_device = environment_checks.check_device(device, data.image_shape)
    checks = ModelChecks(specification, data, home=home, workers=workers, device=chosen)
    largest = checks.sized[-1].parameters
    findings = (
        environment_checks.check_storage(settings.get("AUTOML_STORAGE", storage), home=home),
        environment_checks.check_artifacts(store),
        environment_checks.check_disk(store.disk, parameters=largest, models=specification.keep, workers=workers),
        environment_checks.check_wandb(settings.values, home=home),
        of_device,
    )
    return CheckReport(findings, tuple(_logged(checks, log)), workers, budget)


def _logged(checks: ModelChecks, log: Callable[[str], None]) -> Iterator[ModelCheck]:
    for model in checks.run():
        log(f"model  the {model.sized.size} of the space: {'a problem' if model.problem else 'learns'}")
        yield model
