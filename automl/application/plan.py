"""From what a search is asked for to a plan: a specification, a budget, and the loaded data."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from automl.application.durations import in_units
from automl.application.search_options import SearchOptions
from automl.application.workers import default_workers
from automl.data.dataset import DataSet
from automl.data.loading import load_data_set
from automl.data.sizing import Sizing
from automl.errors import SettingsError, SpaceError
from automl.metrics import METRICS
from automl.models.rates import Rates
from automl.preflight.auto_building import BuiltSpace, Machine, build_auto_space, split_sizes
from automl.settings import Settings
from automl.spaces.auto.auto_space import AUTO
from automl.spaces.file import load_space
from automl.spaces.space import PrunerSetting, SearchSpace
from automl.study.granting import Budget
from automl.study.limits import in_words
from automl.study.names import check_name, default_name
from automl.study.specification import BAND_PRUNERS, Specification

SAMPLER_NOTES = {
    "gp": "gp models the unconditional parameters only; conditional ones are drawn independently, at random",
    "grid": "grid queues every combination once",
}
STARTUP_TRIALS = 3
WARMUP_EPOCHS = 1
FIRST_BAND_EPOCHS = 3
"""Instead of them, of hyperband and successive-halving."""
REDUCTION_FACTOR = 3
SHORTER = (30 * 60, "30m")
"""Seconds of a search from which a shorter one is proposed, and that one."""


@dataclass(frozen=True)
class Plan:
    """A study to create or continue."""

    name: str
    specification: Specification
    budget: Budget
    data: DataSet
    """Without the test split."""
    notes: tuple[str, ...]
    forecast: tuple[str, ...] = ()
    """What the space `auto` was built from, and what the search will take, a sentence each."""
    first_seconds: tuple[float, ...] = ()
    """Forecast of the training of each first recipe of a space `auto` that was built now, in seconds."""

    def lines(self) -> Iterator[str]:
        """How everything was understood, for people."""
        data, specification = self.data, self.specification
        channels, height, width = data.image_shape
        counts = ", ".join(f"{len(split):,} {name}" for name, split in data.splits.items())
        yield f"data   {data.name}: {counts}, {len(data.class_names)} classes, {channels} × {height} × {width}"
        yield from (f"       {note}" for note in self.notes)
        yield f"search {specification.space.name}: {specification.sampler} proposes, {specification.pruner} prunes"
        yield from (f"       {sentence}" for sentence in self.forecast)
        if (limits := in_words(specification)) is not None:
            yield f"       networks of {limits}; what is over it is not trained, and counts as a pruned trial"
        if specification.sampler in SAMPLER_NOTES:
            yield f"       {SAMPLER_NOTES[specification.sampler]}"


def make_plan(
    options: SearchOptions,
    settings: Settings,
    *,
    home: Path,
    on_progress: Callable[[int, int], None] | None,
    machine: Machine | None = None,
    stored: Callable[[str], Specification | None] = lambda _: None,
) -> Plan:
    """Read space and data and put everything together.

    `machine`: what the workers compute on; None: as many workers as are the default, on the best device here. `stored`:
    the specification of the study of a name, or None; the space `auto` of a study stays as it was built.

    Raises: SettingsError, SpaceError or DataError for what cannot be searched.
    """
    asked_space = options.space if options.space is not None else str(settings.get("AUTOML_SPACE"))
    space = None if asked_space == AUTO else _load_space(asked_space, options)
    reference = settings.get("AUTOML_DATA", options.data)
    if reference is None:
        raise SettingsError(
            "Which data? Give --data (or AUTOML_DATA): a folder or a .zip with a sub-folder for each class, or: digits"
        )
    data = load_data_set(
        reference,
        home=home,
        splits=("train", "validation"),
        split_seed=options.seed,
        sizing=Sizing(options.image_size, options.fit),
        on_progress=on_progress,
    )
    auto_plan = None
    if space is None:
        auto_plan = _auto_plan(options, settings, data, machine or Machine("auto", default_workers()), stored)
        space = auto_plan.space
    space = space.fitted_to(data.image_shape)
    asked = space.pruner
    specification = Specification(
        data=data.identity,
        space=dataclasses.replace(space, notes=()),
        metric=known_metric(options.metric or space.metric or str(settings.get("AUTOML_METRIC"))),
        sampler=options.sampler or space.sampler or "tpe",
        pruner=options.pruner or (asked.name if asked else "median"),
        startup_trials=STARTUP_TRIALS if options.startup_trials is None else options.startup_trials,
        warmup_epochs=_warmup_epochs(options, asked),
        reduction_factor=asked.reduction_factor if asked and options.pruner is None else REDUCTION_FACTOR,
        seed=options.seed,
        model=options.model,
        keep=options.keep,
        rates=auto_plan.rates if auto_plan else None,
        split_sizes=split_sizes(data) if auto_plan and auto_plan.rates else None,
        final_share=0.0 if (options.sampler or space.sampler) == "grid" else options.final_share,
        max_parameters=options.max_parameters,
        max_milliseconds=options.max_milliseconds,
    )
    name = _study_name(options, settings, data, space.name, specification.metric)
    notes = (*data.notes, *space.notes, *_approximations(space), *_overridden(options, space))
    notes += tuple(_without_effect(options, specification.pruner))
    budget = make_budget(options, settings, space)
    if auto_plan is None:
        return Plan(name, specification, budget, data, notes)
    return Plan(name, specification, budget, data, notes, auto_plan.forecast, auto_plan.first_seconds)


class _AutoPlan(NamedTuple):
    """The space `auto` of a study, with what it was built from."""

    space: SearchSpace
    rates: Rates | None
    forecast: tuple[str, ...]
    first_seconds: tuple[float, ...]


def _auto_plan(
    options: SearchOptions,
    settings: Settings,
    data: DataSet,
    machine: Machine,
    stored: Callable[[str], Specification | None],
) -> _AutoPlan:
    """The stored space of the same data, since figures of a machine differ each time; else it is built.

    Raises: SpaceError for a grid. StudyError for a name that no study can have.
    """
    if options.sampler == "grid":
        raise SpaceError("A grid needs an end, and the space auto has ranges. Choose another --space or --sampler.")
    metric = known_metric(options.metric or str(settings.get("AUTOML_METRIC")))
    name = _study_name(options, settings, data, AUTO, metric)
    check_name(name)
    found = stored(name)
    if (
        found is not None
        and found.space.name == AUTO
        and not found.space.function
        and found.data.is_same(data.identity)
    ):
        space = found.space if options.epochs is None else found.space.with_value("epochs", options.epochs)
        return _AutoPlan(space, found.rates, ("as the study began",), ())
    budget = make_budget(options, settings, SearchSpace(name=AUTO))
    built = build_auto_space(
        data,
        machine,
        worker_seconds=budget.seconds,
        epochs=options.epochs,
        own_network=options.model is not None,
    )
    return _AutoPlan(built.auto.space, built.rates, tuple(_forecast(built, budget, machine)), built.auto.first_seconds)


def _forecast(built: BuiltSpace, budget: Budget, machine: Machine) -> Iterator[str]:
    if built.rates is None or built.auto.training_seconds is None:
        yield "nothing is forecast for a network of your own"
        return
    yield f"speed measured on {built.rates.device}"
    trials, training = budget.planned_trials, in_units(built.auto.training_seconds)
    yield f"a full training takes about {training}: {built.auto.epochs} epochs"
    if budget.seconds is None and trials is not None:
        seconds = built.auto.search_seconds(trials=trials, workers=machine.workers) or 0.0
        shorter = f"; --timeout {SHORTER[1]} for less" if seconds > SHORTER[0] else ""
        yield f"{trials} trials, about {in_units(seconds)} on this machine{shorter}"


def _study_name(options: SearchOptions, settings: Settings, data: DataSet, space: str, metric: str) -> str:
    if options.study is not None:
        check_name(options.study)
    return settings.get("AUTOML_STUDY", options.study) or default_name(data.name, space, metric)


def _load_space(reference: str | Path | Mapping[str, Any], options: SearchOptions) -> SearchSpace:
    """A space that does not depend on the images.

    Raises: SpaceError for mistakes in it, before any image is read.
    """
    space = load_space(reference, ignore_unknown=options.ignore_unknown)
    if space.function:
        from automl.spaces.sampling import sample_recipes  # Optuna takes 0.3 s: `automl search --help` does without

        sample_recipes(space, count=1)  # a function that fails is reported now, and not by every trial
    if options.epochs is not None:
        space = space.with_value("epochs", options.epochs)
    if (options.sampler or space.sampler) == "grid":
        space.check_grid_ends()
    return space


def _approximations(space: SearchSpace) -> Iterator[str]:
    return (f"{parameter.source}: {parameter.note}" for parameter in space.parameters if not parameter.exact)


def _overridden(options: SearchOptions, space: SearchSpace) -> Iterator[str]:
    """Settings of the search in the space's file that a flag overrides."""
    pruner = space.pruner.name if space.pruner else None
    for name, asked, written in (
        ("sampler", options.sampler, space.sampler),
        ("metric", options.metric, space.metric),
        ("pruner", options.pruner, pruner),
        ("trials", options.trials, space.budget),
    ):
        if asked is not None and written is not None and asked != written:
            yield f"--{name} {asked} instead of the file's {written}"


def _without_effect(options: SearchOptions, pruner: str) -> Iterator[str]:
    """Flags of a pruner that another one does not read."""
    if options.startup_trials is not None and pruner in (*BAND_PRUNERS, "none"):
        yield f"--startup-trials has no effect: {pruner} prunes without it"
    if options.warmup_epochs is not None and pruner == "none":
        yield "--warmup-epochs has no effect: nothing is pruned"


def _warmup_epochs(options: SearchOptions, asked: PrunerSetting | None) -> int:
    if options.warmup_epochs is not None:
        return options.warmup_epochs
    if asked and options.pruner is None:
        return asked.warmup_epochs
    return FIRST_BAND_EPOCHS if options.pruner in BAND_PRUNERS else WARMUP_EPOCHS


def known_metric(name: str) -> str:
    """`name`, if it is a metric.

    Raises: SettingsError if not.
    """
    if name not in METRICS:
        raise SettingsError(f"Unknown metric {name!r}. Known: {', '.join(METRICS)}.")
    return name


def make_budget(options: SearchOptions, settings: Settings, space: SearchSpace) -> Budget:
    """Totals in trials and seconds; a new study with a time alone has no limit of trials.

    Raises: SpaceError if a grid is asked for that has no end.
    """
    trials, configured, default = options.trials, space.budget, settings.whole_number("AUTOML_TRIALS")
    if configured is None and "AUTOML_TRIALS" in settings.values:
        configured = default
    if (options.sampler or space.sampler) == "grid":
        combinations = len(space.grid())
        if combinations == 0:
            raise SpaceError("The grid is empty: the space has no combination.")
        trials = min(trials, combinations) if trials else None
        configured = min(configured or combinations, combinations)
    return Budget(
        trials=trials,
        seconds=options.timeout,
        trial_seconds=options.trial_timeout,
        configured_trials=configured,
        configured_seconds=settings.seconds("AUTOML_TIMEOUT"),
        default_trials=default,
    )
