"""From what a search is asked for to a plan: a specification, a budget, and the loaded data."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from automl.application.search_options import SearchOptions
from automl.data.dataset import DataSet
from automl.data.loading import load_data_set
from automl.data.sizing import Sizing
from automl.errors import SettingsError, SpaceError
from automl.metrics import METRICS
from automl.settings import Settings
from automl.spaces.file import load_space
from automl.spaces.space import PrunerSetting, SearchSpace
from automl.study.granting import Budget
from automl.study.limits import in_words
from automl.study.names import default_name
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


@dataclass(frozen=True)
class Plan:
    """A study to create or continue."""

    name: str
    specification: Specification
    budget: Budget
    data: DataSet
    """Without the test split."""
    notes: tuple[str, ...]

    def lines(self) -> Iterator[str]:
        """How everything was understood, for people."""
        data, specification = self.data, self.specification
        channels, height, width = data.image_shape
        counts = ", ".join(f"{len(split):,} {name}" for name, split in data.splits.items())
        yield f"data   {data.name}: {counts}, {len(data.class_names)} classes, {channels} × {height} × {width}"
        yield from (f"       {note}" for note in self.notes)
        yield f"search {specification.space.name}: {specification.sampler} proposes, {specification.pruner} prunes"
        if (limits := in_words(specification)) is not None:
            yield f"       networks of {limits}; what is over it is not trained, and counts as a pruned trial"
        if specification.sampler in SAMPLER_NOTES:
            yield f"       {SAMPLER_NOTES[specification.sampler]}"


def make_plan(
    options: SearchOptions, settings: Settings, *, home: Path, on_progress: Callable[[int, int], None] | None
) -> Plan:
    """Read space and data and put everything together.

    Raises: SettingsError, SpaceError or DataError for what cannot be searched.
    """
    asked_space = options.space if options.space is not None else str(settings.get("AUTOML_SPACE"))
    space = load_space(asked_space, ignore_unknown=options.ignore_unknown)
    if space.function:
        from automl.spaces.sampling import sample_recipes  # Optuna takes 0.3 s: `automl search --help` does without

        sample_recipes(space, count=1)  # a function that fails is reported now, and not by every trial
    if options.epochs is not None:
        space = space.with_value("epochs", options.epochs)
    if (options.sampler or space.sampler) == "grid":
        space.check_grid_ends()
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
        final_share=0.0 if (options.sampler or space.sampler) == "grid" else options.final_share,
        max_parameters=options.max_parameters,
        max_milliseconds=options.max_milliseconds,
    )
    name = settings.get("AUTOML_STUDY", options.study) or default_name(data.name, space.name, specification.metric)
    notes = (*data.notes, *space.notes, *_approximations(space), *_overridden(options, space))
    notes += tuple(_without_effect(options, specification.pruner))
    return Plan(name, specification, make_budget(options, settings, space), data, notes)


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
