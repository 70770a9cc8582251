"""From stored trials to the data of the figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from automl.figures.search.architecture import Architecture, Kind
from automl.figures.search.baseline_gain import Baseline
from automl.figures.search.forecasts import ForecastPace
from automl.figures.search.history import TrialPoint
from automl.figures.search.learning_curves import LearningCurve
from automl.figures.search.parallel import ParallelAxis, parallel_axis
from automl.figures.search.time_course import TimedTrial
from automl.figures.search.trade_off import Priced
from automl.recipe import FIELDS, Recipe, Value
from automl.report.facts import FINISHED_STATES, Facts, baseline_trials
from automl.report.words import network_of, recipe_of
from automl.results.trials import TrialRecord
from automl.spaces.space import SearchSpace

MOST_AXES = 12
"""Largest number of axes of a readable picture, without that of the value."""
KINDS: Mapping[str, Kind] = {"plain": "plain", "residual": "residual"}


def points(facts: Facts) -> list[TrialPoint]:
    """Points of all finished trials."""
    return [TrialPoint(trial.number, FINISHED_STATES[trial.state], facts.reached(trial)) for trial in facts.trials]


def timed_trials(facts: Facts) -> list[TimedTrial]:
    """Complete trials at their ends on the study's clock, but for imported ones and those of a copied study."""
    if facts.clock is None:
        return []
    began = facts.clock.stretches[0][0]
    return [
        TimedTrial(trial.number, facts.clock.seconds_at(trial.completed_at), trial.value, trial.is_final)
        for trial in facts.trials
        if trial.value is not None and trial.completed_at is not None and trial.completed_at >= began
    ]


def forecast_paces(facts: Facts) -> list[ForecastPace]:
    """Trials with an epoch, by the study's measured speed; none where the speed was not measured."""
    specification = facts.record.specification
    if specification.rates is None or specification.split_sizes is None:
        return []
    train, validation = specification.split_sizes
    shape, classes = specification.data.image_shape, len(specification.data.class_names)
    return [
        ForecastPace(
            trial.number,
            specification.rates.seconds_an_epoch(
                Recipe.from_mapping(trial.recipe), shape, classes, train=train, validation=validation
            ),
            sum(result.seconds for result in trial.epochs) / len(trial.epochs),
        )
        for trial in facts.trials
        if trial.epochs
    ]


def descriptions(facts: Facts) -> dict[int, str]:
    """Recipes in words by trial number; a trial that failed before it had one is left out."""
    return {trial.number: recipe_of(trial, model=facts.model) for trial in facts.trials if trial.recipe}


def baseline_points(facts: Facts) -> list[Baseline]:
    """Baselines, and the winner if it is none of them."""
    tried, winner = baseline_trials(facts), facts.winner
    called = "best of the search" if facts.choice is not None and facts.choice.is_confirmed else "winner"
    found = [
        Baseline(
            f"trial {trial.number}: {network_of(trial, model=facts.model)}",
            facts.reached(trial),
            complete=trial.state == "complete",
            is_winner=winner is not None and trial.number == winner.number,
        )
        for trial in tried
    ]
    if winner is not None and winner.number not in [trial.number for trial in tried]:
        label = f"{called}, trial {winner.number}: {network_of(winner, model=facts.model)}"
        found.append(Baseline(label, winner.value, is_winner=True))
    return found


def curves(trials: Sequence[TrialRecord], *, what: str) -> list[LearningCurve]:
    """Training and validation of each trial; `what` is accuracy or loss."""
    return [
        LearningCurve(
            f"trial {trial.number}",
            [result.epoch for result in trial.epochs],
            [getattr(result, f"train_{what}") for result in trial.epochs],
            [getattr(result, f"validation_{what}") for result in trial.epochs],
        )
        for trial in trials
    ]


def architectures(facts: Facts) -> list[Architecture]:
    """Networks of the trials that finished an epoch."""
    return [
        Architecture(
            trial.number,
            KINDS[trial.recipe["block"]] if trial.recipe["depth"] else "perceptron",
            trial.recipe["depth"],
            trial.recipe["width"] if trial.recipe["depth"] else None,
            trial.parameters,
            value,
            complete=trial.state == "complete",
        )
        for trial in facts.trials
        if trial.recipe and (value := facts.reached(trial)) is not None
    ]


def label_of(trial: TrialRecord) -> str:
    """Label of a trial in the figures."""
    return f"trial {trial.number}"


def priced(facts: Facts) -> list[Priced]:
    """Complete trials with their costs, by number."""
    trials = sorted(facts.best_first, key=lambda trial: trial.number)
    return [
        Priced(label_of(trial), trial.value, trial.parameters, trial.milliseconds)
        for trial in trials
        if trial.value is not None and (trial.parameters is not None or trial.milliseconds is not None)
    ]


def parallel_axes(facts: Facts, most_important: Sequence[str]) -> list[ParallelAxis]:
    """An axis for each parameter that differs among the complete trials, and the value's as the last one.

    Where there are too many, those that are first in `most_important` stay; all stand in the order of Recipe.
    """
    trials = sorted(facts.best_first, key=lambda trial: trial.number)
    live = [_live_values(facts.record.specification.space, trial) for trial in trials]
    columns = {name: [values.get(name) for values in live] for name in FIELDS if name != "seed"}
    varied = [name for name, column in columns.items() if len({value for value in column if value is not None}) > 1]
    ranks = {name: rank for rank, name in enumerate(most_important)}
    kept = sorted(varied, key=lambda name: ranks.get(name, len(ranks)))[:MOST_AXES]
    axes = [parallel_axis(name, columns[name]) for name in varied if name in kept]
    return [*axes, parallel_axis(facts.value_label, [trial.value for trial in trials])]


def _live_values(space: SearchSpace, trial: TrialRecord) -> dict[str, Value]:
    """Active parameters of this trial; the whole recipe for a space that is a function."""
    if space.function:
        return dict(trial.recipe)
    live: dict[str, Value] = {}
    for parameter in space.parameters:
        if parameter.is_active(live):
            live[parameter.name] = trial.recipe[parameter.name]
    return live
