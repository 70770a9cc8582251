"""A sampler for few trials: small steps from the best recipes so far.

A search of minutes has ten to forty trials, and TPE needs about as many before its model says more than chance. Steps
from the best trials find more in that time (benchmarks/LOG.md). A share of the proposals is TPE's, so that a long
search does not stay where it began.

Source: direct search with small steps, as in Wu et al. 2021, "Frugal Optimization for Cost-related Hyperparameters",
and the tournament of Real et al. 2019, "Regularized Evolution".
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import BaseSampler
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

PARENTS = 3
"""Number of the best trials that steps start from, at first."""
PARENT_SHARE = 0.2
"""Share of the complete trials that steps start from, where that is more."""
STEP = 0.15
"""Standard deviation of a step, as a share of the parameter's range."""
CHANGED = 0.35
"""Probability that a parameter is changed."""
MODEL_SHARE = 0.25
"""Share of the trials that the model proposes."""
FAR = 0.2
"""Probability that a changed choice is drawn from all choices and not from the two beside it."""


class LocalSampler(BaseSampler):
    """Proposes a recipe near one of the best, or lets another sampler propose."""

    def __init__(self, model: BaseSampler, *, seed: int) -> None:
        """`model` proposes a share of the trials, and all of them while no trial is complete."""
        self._model = model
        self._random = np.random.default_rng(seed)
        self._parents: dict[int, Mapping[str, Any]] = {}

    def reseed_rng(self) -> None:
        """Draw from new seeds, as Optuna asks for after a fork."""
        self._random = np.random.default_rng()
        self._model.reseed_rng()

    def infer_relative_search_space(self, study: optuna.Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """The model's, where the trial is the model's; else nothing: each parameter is drawn when its turn comes."""
        parent = self._choose_parent(study)
        self._parents.clear()  # one trial at a time
        if parent is None:
            return self._model.infer_relative_search_space(study, trial)
        self._parents[trial.number] = parent
        return {}

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """The model's proposal; nothing where the trial has a parent."""
        if trial.number in self._parents:
            return {}
        return self._model.sample_relative(study, trial, search_space)

    def sample_independent(
        self, study: optuna.Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """The parent's value, or one near it; the model's where there is no parent or it has no such parameter."""
        known = self._parents.get(trial.number, {})
        if param_name not in known or not _contains(param_distribution, known[param_name]):
            return self._model.sample_independent(study, trial, param_name, param_distribution)
        value = known[param_name]
        if self._random.random() >= CHANGED:
            return value
        return step_from(value, param_distribution, random=self._random)

    def after_trial(self, study: optuna.Study, trial: FrozenTrial, state: TrialState, values: Any) -> None:
        """Let the model know."""
        self._model.after_trial(study, trial, state, values)

    def _choose_parent(self, study: optuna.Study) -> Mapping[str, Any] | None:
        """Parameters of one of the best trials, the better the likelier; None: the model proposes."""
        complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        ranked = sorted((trial for trial in complete if trial.params), key=lambda trial: trial.value or 0.0)
        if study.direction == StudyDirection.MAXIMIZE:
            ranked.reverse()
        if not ranked or self._random.random() < MODEL_SHARE:
            return None
        best = ranked[: max(PARENTS, math.ceil(PARENT_SHARE * len(ranked)))]
        weights = 0.5 ** np.arange(len(best))
        return best[int(self._random.choice(len(best), p=weights / weights.sum()))].params


def step_from(value: Any, distribution: BaseDistribution, *, random: np.random.Generator) -> Any:
    """Another value near this one, within the distribution."""
    if isinstance(distribution, CategoricalDistribution):
        return _step_of_choice(value, distribution.choices, random)
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    if distribution.single():
        return value
    low, high = float(distribution.low), float(distribution.high)
    to_unit, from_unit = (math.log, math.exp) if distribution.log else (float, float)
    length = to_unit(high) - to_unit(low)
    at = (to_unit(float(value)) - to_unit(low)) / length + random.normal(0.0, STEP)
    moved = from_unit(to_unit(low) + _reflected(at) * length)
    if isinstance(distribution, FloatDistribution):
        return min(max(_on_grid(moved, low, distribution.step), low), high)
    whole = round(_on_grid(moved, low, distribution.step))
    if whole == value:  # a step of less than one is one
        whole += distribution.step * (1 if random.random() < 0.5 else -1)
    return whole if low <= whole <= high else value


def _step_of_choice(value: Any, choices: tuple[Any, ...], random: np.random.Generator) -> Any:
    """A choice beside this one if they are numbers in order, else any other."""
    others = [choice for choice in choices if choice != value]
    if not others:
        return value
    numbers = [choice for choice in choices if isinstance(choice, int | float) and not isinstance(choice, bool)]
    if len(numbers) == len(choices) and random.random() >= FAR:
        in_order = sorted(numbers)
        position = in_order.index(value)
        others = in_order[max(position - 1, 0) : position] + in_order[position + 1 : position + 2]
    return others[int(random.integers(len(others)))]


def _contains(distribution: BaseDistribution, value: Any) -> bool:
    if isinstance(distribution, CategoricalDistribution):
        return value in distribution.choices
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    return isinstance(value, int | float) and distribution.low <= value <= distribution.high


def _reflected(at: float) -> float:
    """A position that left 0 to 1, mirrored back into it."""
    at = abs(at) % 2.0
    return 2.0 - at if at > 1.0 else at


def _on_grid(value: float, low: float, step: float | None) -> float:
    return value if step is None else low + round((value - low) / step) * step
