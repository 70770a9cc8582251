"""The space `auto`: the rules' values that the budget affords, epochs that fill it, and the first recipes."""

from __future__ import annotations

import dataclasses
import functools
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from automl.recipe import Recipe, Value
from automl.spaces.auto.affording import afforded, combination_seconds
from automl.spaces.auto.image_facts import ImageFacts
from automl.spaces.auto.portfolio import PORTFOLIO, SHARED
from automl.spaces.auto.rules import RULES, enough_epochs
from automl.spaces.baselines import nearest
from automl.spaces.distributions.ranges import Choice, Distribution, Fixed
from automl.spaces.parameters import Parameter
from automl.spaces.space import SearchSpace

AUTO = "auto"
"""Name of the space, and of what asks for it."""
SAMPLER = "local"
"""Who proposes: small steps from the best, as there is time for ten to forty trials (benchmarks/LOG.md)."""
TRAININGS = 12
"""Full trainings for which one worker's time suffices."""
FEWEST_SHARE, MOST_SHARE = 0.4, 1.5
"""Bounds of the epochs, as shares of those that suffice."""
UNLIMITED_SECONDS = 2 * 3600.0
"""Without a budget choices are left out as if a worker had so much time; it changes no epochs."""
DEAREST_FIRST = 1.5
"""Longest training of a first recipe, as a multiple of what one may take; the cheapest always stays."""
COSTLY = ("resolution", "depth", "blocks_per_stage", "width", "stem", "squeeze_excitation", "hidden_dim")
"""Fields on which an epoch's duration depends, and which may be searched."""
PRUNED_SHARE = 0.6
"""Share of all planned epochs that a search trains, with the default pruner (benchmarks/results/pruning.md)."""

SecondsAnEpoch = Callable[[Recipe], float]


@dataclass(frozen=True)
class AutoSpace:
    """The space, and what it was built from."""

    space: SearchSpace
    epochs: int
    first_seconds: tuple[float, ...]
    """Forecast of a full training of each first recipe, in seconds; none without forecasts."""
    training_seconds: float | None
    """Forecast of a full training, the mean over the space; None without forecasts."""

    def search_seconds(self, *, trials: int, workers: int) -> float | None:
        """Forecast of a whole search in seconds."""
        if self.training_seconds is None:
            return None
        return trials * self.training_seconds * PRUNED_SHARE / min(workers, trials)


def auto_space(
    facts: ImageFacts,
    *,
    seconds_an_epoch: SecondsAnEpoch | None,
    worker_seconds: float | None,
    epochs: int | None = None,
    own_network: bool = False,
) -> AutoSpace:
    """Build the space for such images.

    `seconds_an_epoch`: forecast of a recipe on the device; None where there is none, so that nothing is left out.
    `worker_seconds`: time of one worker, None without an end. `epochs`: instead of those that fill it. `own_network`:
    leaves the network's fields out.
    """
    rules = [rule for rule in RULES if not own_network or rule.part == "training"]
    parameters = tuple(Parameter(rule.field, rule.values(facts), source=rule.field, note=rule.why) for rule in rules)
    enough = epochs or enough_epochs(facts)
    if seconds_an_epoch is None:
        return AutoSpace(_with_first(_with_epochs(parameters, enough), seconds=None, limit=None), enough, (), None)
    remembered = functools.cache(seconds_an_epoch)
    seconds = functools.partial(_combination, parameters, remembered)
    limit = (UNLIMITED_SECONDS if worker_seconds is None else worker_seconds) / TRAININGS
    is_free = epochs is None and worker_seconds is not None
    least = max(round(FEWEST_SHARE * enough), 2) if is_free else enough
    choices = afforded(_costly(parameters), seconds, limit=limit / least)
    mean = statistics.fmean(combination_seconds(choices, seconds))
    count = _filling(limit / mean, least, round(MOST_SHARE * enough)) if is_free else enough
    fitting = _with_epochs(_narrowed(parameters, choices), count)
    space = _with_first(fitting, seconds=remembered, limit=limit / count)
    first = tuple(count * remembered(recipe_of(space, values)) for values in space.first)
    return AutoSpace(space, count, first, count * mean)


def recipe_of(space: SearchSpace, values: Mapping[str, Value]) -> Recipe:
    """The whole recipe of values of the searched parameters."""
    return Recipe.from_mapping(nearest(space.parameters, values))


def _filling(affordable: float, least: int, most: int) -> int:
    """Epochs that are affordable, at least two even where they are not."""
    return max(min(int(affordable), most), min(least, max(int(affordable), 2)))


def _costly(parameters: Sequence[Parameter]) -> dict[str, tuple[Value, ...]]:
    found = {parameter.name: parameter.distribution.values() for parameter in parameters if parameter.name in COSTLY}
    return {name: values for name, values in found.items() if values}


def _combination(
    parameters: Sequence[Parameter], seconds_an_epoch: SecondsAnEpoch, values: Mapping[str, Value]
) -> float:
    """Forecast of an epoch with these values, of all else the nearest to the shared first values."""
    return seconds_an_epoch(Recipe.from_mapping(nearest(parameters, {**SHARED, **values})))


def _narrowed(parameters: Sequence[Parameter], choices: Mapping[str, tuple[Value, ...]]) -> tuple[Parameter, ...]:
    return tuple(
        Parameter(p.name, _one_of(choices[p.name]), source=p.source, note=_note(p, choices[p.name]))
        if p.name in choices
        else p
        for p in parameters
    )


def _note(parameter: Parameter, left: Sequence[Value]) -> str:
    dropped = [value for value in parameter.distribution.values() or () if value not in left]
    if not dropped:
        return parameter.note
    return f"{parameter.note}; for this time without {', '.join(map(str, dropped))}"


def _one_of(values: Sequence[Value]) -> Distribution:
    return Fixed(values[0]) if len(values) == 1 else Choice(tuple(values))


def _with_epochs(parameters: Sequence[Parameter], epochs: int) -> SearchSpace:
    why = "by the number of images, and what the time allows"
    return SearchSpace(
        name=AUTO,
        sampler=SAMPLER,
        parameters=(*parameters, Parameter("epochs", Fixed(epochs), source="epochs", note=why)),
    )


def _with_first(space: SearchSpace, *, seconds: SecondsAnEpoch | None, limit: float | None) -> SearchSpace:
    """The space with its first recipes: each once, the cheap ones first, without those over the limit an epoch."""
    first: list[dict[str, Value]] = []
    for preference in PORTFOLIO:
        values = nearest(space.parameters, {**SHARED, **preference})
        searched = {p.name: values[p.name] for p in space.parameters if p.is_searched and p.name in values}
        if searched and searched not in first:
            first.append(searched)
    if seconds is not None and limit is not None:
        first.sort(key=lambda searched: seconds(recipe_of(space, searched)))
        most = DEAREST_FIRST * limit
        first = [found for n, found in enumerate(first) if n == 0 or seconds(recipe_of(space, found)) <= most]
    return dataclasses.replace(space, first=tuple(first))
