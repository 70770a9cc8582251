"""Whether the networks of a space can learn these images, and the cost of their trials on this machine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from automl.data.dataset import DataSet
from automl.errors import AutomlError
from automl.models.building import resolve_builder
from automl.models.rates import Rates
from automl.preflight.auto_building import Machine, forecast_epoch, measure_machine
from automl.preflight.network_sizes import SizedRecipe, network_size, sized_recipes
from automl.preflight.throughput import ThroughputBenchmark
from automl.recipe import network_in_words
from automl.sanitize import shell_word
from automl.study.specification import Specification
from automl.training.overfit_check import OverfitResult, check_overfit
from automl.training.pace import Pace


@dataclass(frozen=True)
class ModelCheck:
    """One network of the space: its overfit check and its cost."""

    sized: SizedRecipe
    workers: int
    overfit: OverfitResult | None = None
    pace: Pace | None = None
    """Cost of an epoch with as many workers at once."""
    problem: str | None = None

    @property
    def seconds_a_trial(self) -> float | None:
        """Duration of all its epochs in seconds, without pruning."""
        return self.pace.seconds_an_epoch * self.sized.recipe.epochs if self.pace else None

    @property
    def trials_an_hour(self) -> float | None:
        """Trials an hour of all workers together, if all trials were like this one."""
        return 3600 / self.seconds_a_trial * self.workers if self.seconds_a_trial else None

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "size": self.sized.size,
            "parameters": self.sized.parameters,
            "recipe": self.sized.recipe.as_dict(),
            "learning": asdict(self.overfit) if self.overfit else None,
            "pace": asdict(self.pace) if self.pace else None,
            "trials_an_hour": self.trials_an_hour,
            "problem": self.problem,
        }


class ModelChecks:
    """The smallest, the middle and the largest network of a study."""

    def __init__(
        self, specification: Specification, data: DataSet, *, home: Path, workers: int, device: torch.device
    ) -> None:
        """Find the three; nothing is trained yet.

        Raises: ModelError, SpaceError or RecipeError for a network or a space of the user's own that fails.
        """
        self._specification, self._data, self._home = specification, data, home
        self._workers, self._device = workers, device
        self._rates: Rates | None = None
        self._build = resolve_builder(specification.model)
        self.sized: Sequence[SizedRecipe] = sized_recipes(
            specification.space, lambda recipe: network_size(self._build, recipe, data)
        )

    def run(self) -> Iterator[ModelCheck]:
        """Forecast the pace of each network, measure its memory and run its overfit check, the smallest first."""
        self._rates = self._specification.rates or self._measured()
        with ThroughputBenchmark(
            self._specification, home=self._home, workers=self._workers, device=self._device
        ) as benchmark:
            for sized in self.sized:
                yield self._checked(sized, benchmark)

    def _measured(self) -> Rates | None:
        """Rates of this machine; None for a network of the user's own, whose steps are timed instead."""
        if self._specification.model is not None:
            return None
        return measure_machine(self._data, Machine(str(self._device), self._workers))

    def _checked(self, sized: SizedRecipe, benchmark: ThroughputBenchmark) -> ModelCheck:
        try:
            rates = self._rates
            forecast = None if rates is None else forecast_epoch(rates, sized.recipe, self._data)
            pace = benchmark.measure(sized.recipe, seconds_an_epoch=forecast)
            overfit = check_overfit(sized.recipe, self._data, device=self._device, build=self._build)
        except AutomlError as error:
            return ModelCheck(sized, self._workers, problem=f"The {sized.size} network: {error}")
        problem = None if overfit.is_complete else _describe_underfit(sized, overfit, self._data.reference)
        return ModelCheck(sized, self._workers, overfit, pace, problem)


def _describe_underfit(sized: SizedRecipe, overfit: OverfitResult, reference: str) -> str:
    if overfit.train_accuracy == 1:
        advice = "It behaves otherwise in evaluation mode: look for what it does only while training."
    else:
        advice = (
            f"If the others learn them, leave such networks out of the space; if not, look at the labels with: "
            f"automl inspect {shell_word(reference)}"
        )
    return (
        f"The {sized.size} network ({network_in_words(sized.recipe)}) does not overfit {overfit.images} images: "
        f"after {overfit.epochs} epochs {overfit.train_accuracy:.0%} are right while training and "
        f"{overfit.evaluation_accuracy:.0%} in evaluation mode. {advice}"
    )
