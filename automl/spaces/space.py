"""SearchSpace: which recipes a study may try."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from automl.errors import SpaceError
from automl.metrics import METRICS
from automl.recipe import FIELDS, Recipe, Value, unknown_field
from automl.spaces.baselines import baseline_recipes
from automl.spaces.distributions.ranges import Fixed, Trial
from automl.spaces.fit import fit
from automl.spaces.function import call_space_function
from automl.spaces.parameters import Parameter, narrowed

GRID_LIMIT = 100_000
"""Largest number of combinations of a grid."""
LONGEST = int(FIELDS["epochs"].range.high)  # type: ignore[union-attr]
"""Largest number of epochs of a recipe."""


@dataclass(frozen=True)
class PrunerSetting:
    """The pruner that a sweep file asks for."""

    name: str
    warmup_epochs: int
    """Epochs before the first comparison."""
    reduction_factor: int
    """Number of trials of which one goes on at each comparison, and factor of the epochs from one to the next."""


@dataclass(frozen=True, kw_only=True)
class SearchSpace:
    """Parameters in an order in which each stands after those it depends on, and what a sweep file says beside them."""

    parameters: tuple[Parameter, ...] = ()
    first: tuple[dict[str, Value], ...] = ()
    """Partial recipes to try before the sampler proposes."""
    name: str = "space"
    function: str | None = None
    """Reference `package.module:function` of what samples the recipes instead of the parameters."""
    sampler: str | None = None
    metric: str | None = None
    pruner: PrunerSetting | None = None
    budget: int | None = None
    """Number of trials in all."""
    notes: tuple[str, ...] = ()
    """Remarks on how the file was understood, a sentence each."""

    def suggest(self, trial: Trial, *, seed: int) -> Recipe:
        """Sample a recipe; `seed` is its seed unless the space sets one.

        Raises: SpaceError or RecipeError if a space in Python returns something else than fields of Recipe.
        """
        if self.function:
            return Recipe.from_mapping({"seed": seed, **call_space_function(self.function, trial)})
        values: dict[str, Value] = {}
        for parameter in self.parameters:
            if parameter.is_active(values):
                values[parameter.name] = parameter.sample(trial)
        return Recipe.from_mapping({"seed": seed, **values})

    def fitted_to(self, image_shape: tuple[int, int, int]) -> SearchSpace:
        """The part of this space that fits images of channels, height, width; a note on each change.

        Raises: SpaceError if nothing fits.
        """
        if self.function:
            return self._noting(f"{self.function} is called as it is: what it proposes is not fitted to the images")
        fitted = fit(self.parameters, image_shape)
        return self._with_parameters(fitted.parameters, fitted.notes, idle=fitted.idle)

    def with_value(self, name: str, value: Value) -> SearchSpace:
        """This space with one field of Recipe fixed, whatever it said of it before.

        Raises: SpaceError for an unknown field, a value outside its range, or a space in Python.
        """
        problem = FIELDS[name].problem(value) if name in FIELDS else unknown_field(name)
        if self.function:
            problem = f"{name} cannot be fixed in {self.function}: return it from there"
        if problem:
            raise SpaceError(problem)
        fixed = Parameter(name, Fixed(FIELDS[name].cast(value)), source=name)
        others = (parameter for parameter in self.parameters if parameter.name != name)
        kept, _ = narrowed((fixed, *others), {})
        return self._with_parameters(kept, (), idle=(name,))

    def first_recipes(self) -> tuple[dict[str, Value], ...]:
        """Values of searched parameters to try first: the file's own, else the baseline recipes inside the space."""
        return self.first or baseline_recipes(self.parameters)

    def grid(self) -> tuple[dict[str, Value], ...]:
        """Values of the searched parameters, every combination once.

        Raises: SpaceError naming each parameter without an end, or if there are more than GRID_LIMIT combinations.
        """
        self.check_grid_ends()
        found = tuple(itertools.islice(self._combinations(), GRID_LIMIT + 1))
        if len(found) > GRID_LIMIT:
            raise SpaceError(
                f"This grid has more than {GRID_LIMIT:,} combinations. Give fewer values, or use --sampler tpe."
            )
        return found

    def check_grid_ends(self) -> None:
        """See that a grid over this space is no endless one, before images are read.

        Raises: SpaceError naming each parameter without an end.
        """
        endless = [parameter.name for parameter in self.parameters if parameter.distribution.values() is None]
        if endless or self.function:
            raise SpaceError(
                f"A grid needs an end, and these have none: {', '.join(endless) or self.function}. "
                "Give `values`, or `q_uniform` with a `q`, or choose another sampler."
            )

    def grid_note(self) -> str:
        """How many trials a grid over this space has, or why it cannot be tried."""
        try:
            return f"grid: {len(self.grid()):,} combinations"
        except SpaceError as error:
            return f"grid: {error}"

    def problems(self, values: Mapping[str, Value]) -> list[str]:
        """Why this partial recipe is not inside the space, a sentence each; none if it is."""
        known = {parameter.name: parameter for parameter in self.parameters}
        sentences = [f"{name} is no parameter of this space" for name in values if name not in known]
        for name, value in values.items():
            if name in known and not known[name].distribution.contains(value):
                sentences.append(f"{name} = {value!r} is outside: the space takes {known[name].distribution}")
            elif name in known and (why := self._inactive_reason(known[name], values)):
                sentences.append(f"{name} is not active here: {why}")
        return sentences

    def optuna_params(self, values: Mapping[str, Value]) -> dict[str, Value]:
        """Optuna's parameters for these values: what to enqueue for a recipe of `first_recipes` or `grid`."""
        entries: dict[str, Value] = {}
        for parameter in self.parameters:
            if parameter.name in values:
                entries |= parameter.distribution.optuna_params(parameter.name, values[parameter.name])
        return entries

    def epochs_range(self) -> tuple[int, int]:
        """The fewest and the most epochs that a recipe can have; all that a recipe can for a space in Python."""
        default = int(FIELDS["epochs"].default)
        if self.function:
            return 1, LONGEST
        given = [parameter for parameter in self.parameters if parameter.name == "epochs"]
        ends = [int(p.distribution.nearest(far)) for p in given for far in (0, LONGEST)]
        always = any(not parameter.when for parameter in given)
        ends += [] if always else [default]
        return min(ends), max(ends)

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        document = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return document | {
            "parameters": [parameter.as_dict() for parameter in self.parameters],
            "first": [dict(values) for values in self.first],
            "pruner": dataclasses.asdict(self.pruner) if self.pruner else None,
            "notes": list(self.notes),
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> SearchSpace:
        """Read back what `as_dict` wrote."""
        values = {
            "parameters": tuple(Parameter.from_dict(entry) for entry in document["parameters"]),
            "first": tuple(dict(entry) for entry in document["first"]),
            "pruner": PrunerSetting(**document["pruner"]) if document["pruner"] else None,
            "notes": tuple(document["notes"]),
        }
        return cls(**{**document, **values})

    def to_yaml(self) -> str:
        """As a space file of ours, a line for each parameter.

        Raises: SpaceError for a space in Python.
        """
        if self.function:
            raise SpaceError(f"{self.function} is a function: what it samples cannot be written as YAML.")
        lines = [f"{key}: {_flow(value)}" for key, value in self._settings().items() if value]
        lines += ["parameters:", *(f"  {parameter.name}: {_flow(parameter.spec())}" for parameter in self.parameters)]
        lines += ["first:", *(f"  - {_flow(dict(values))}" for values in self.first)] if self.first else []
        return "\n".join(lines) + "\n"

    def _settings(self) -> dict[str, object]:
        """What a file says beside parameters and first recipes."""
        return {
            "name": self.name,
            "method": self.sampler,
            "metric": {"name": self.metric, "goal": _goal(self.metric)} if self.metric else None,
            "early_terminate": _early_terminate(self.pruner) if self.pruner else None,
            "run_cap": self.budget,
        }

    def _combinations(self) -> Iterator[dict[str, Value]]:
        searched = {parameter.name for parameter in self.parameters if parameter.is_searched}
        for values in _branches(self.parameters, {}):
            yield {name: value for name, value in values.items() if name in searched}

    def _inactive_reason(self, parameter: Parameter, values: Mapping[str, Value]) -> str | None:
        """Which condition of the parameter these values contradict, in words."""
        fixed = {other.name: other.distribution.nearest(0) for other in self.parameters if not other.is_searched}
        known = {**fixed, **values}
        for condition in parameter.when:
            if condition.parameter in known and not condition.is_met(known):
                return f"it needs {condition}"
        return None

    def _with_parameters(
        self, parameters: tuple[Parameter, ...], notes: Sequence[str], *, idle: Sequence[str] = ()
    ) -> SearchSpace:
        """This space with these parameters, without entries of `first` that are no longer inside; a note on each.

        What `first` says of `idle` parameters no longer counts.
        """
        space = dataclasses.replace(self, parameters=parameters, first=())
        asked = [{name: value for name, value in values.items() if name not in idle} for values in self.first]
        troubles = [space.problems(values) for values in asked]
        first = tuple(values for values, trouble in zip(asked, troubles, strict=True) if not trouble)
        left_out = [f"first: entry {n} left out: {'; '.join(why)}" for n, why in enumerate(troubles, 1) if why]
        return dataclasses.replace(space, first=first, notes=(*self.notes, *notes, *left_out))

    def _noting(self, note: str) -> SearchSpace:
        return dataclasses.replace(self, notes=(*self.notes, note))


def _branches(parameters: Sequence[Parameter], values: dict[str, Value]) -> Iterator[dict[str, Value]]:
    """Every combination of the active parameters' values."""
    if not parameters:
        yield values
        return
    parameter, *rest = parameters
    if not parameter.is_active(values):
        yield from _branches(rest, values)
        return
    for value in parameter.distribution.values() or ():
        yield from _branches(rest, {**values, parameter.name: parameter.cast(value)})


def _goal(metric: str) -> str:
    return "maximize" if METRICS[metric].maximize else "minimize"


def _early_terminate(pruner: PrunerSetting) -> dict[str, object]:
    return {"type": "hyperband", "min_iter": pruner.warmup_epochs, "eta": pruner.reduction_factor}


def _flow(value: object) -> str:
    text: str = yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=math.inf, default_flow_style=True)
    return text.removesuffix("...\n").rstrip()
