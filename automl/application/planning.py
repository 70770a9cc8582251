"""From what a command line asks for to a specification and a budget: shared by `search` and `create`."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from automl.cli.options import add_sizing_options, count_from_zero, duration, positive_number, whole_number
from automl.data.dataset import DataSet, Fit, Sizing
from automl.data.loading import load_data_set
from automl.errors import SettingsError, SpaceError
from automl.metrics import METRICS
from automl.settings import Settings
from automl.spaces.file import load_space
from automl.spaces.space import PrunerSetting, SearchSpace
from automl.study.limits import in_words
from automl.study.specification import BAND_PRUNERS, PRUNERS, SAMPLERS, DataIdentity, Specification
from automl.study.study import Budget, default_name

SAMPLER_NOTES = {
    "gp": "gp models the unconditional parameters only; conditional ones are drawn independently, at random",
    "grid": "grid queues every combination once",
}
STARTUP_TRIALS = 3
WARMUP_EPOCHS = 1
FIRST_BAND_EPOCHS = 3
"""Instead of them, of hyperband and successive-halving."""
REDUCTION_FACTOR = 3
KEEP = 5


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What a search is asked for; None leaves it to the sweep file, the settings or the default, in this order."""

    data: str | None = None
    image_size: int | None = None
    """Pixels of both sides; None follows the median size of the images."""
    fit: Fit = "crop"
    space: str | Path | Mapping[str, Any] | None = None
    metric: str | None = None
    trials: int | None = None
    timeout: float | None = None
    """Seconds."""
    trial_timeout: float | None = None
    """Seconds of one trial."""
    study: str | None = None
    seed: int = 0
    epochs: int | None = None
    """Instead of the space's own number."""
    sampler: str | None = None
    pruner: str | None = None
    startup_trials: int | None = None
    warmup_epochs: int | None = None
    model: str | None = None
    keep: int = KEEP
    max_parameters: int | None = None
    max_milliseconds: float | None = None
    """Of one image on the worker."""
    ignore_unknown: bool = False
    """Leave parameters out that mean nothing here, instead of refusing the space."""


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
    wishes: Wishes, settings: Settings, *, home: Path, on_progress: Callable[[int, int], None] | None
) -> Plan:
    """Read space and data and put everything together.

    Raises: SettingsError, SpaceError or DataError for what cannot be searched.
    """
    asked_space = wishes.space if wishes.space is not None else str(settings.get("AUTOML_SPACE"))
    space = load_space(asked_space, ignore_unknown=wishes.ignore_unknown)
    if space.function:
        from automl.spaces.sampling import drawn  # Optuna takes 0.3 s to import

        drawn(space, count=1)  # a function that fails is told now, and not by every trial
    if wishes.epochs is not None:
        space = space.with_value("epochs", wishes.epochs)
    reference = settings.get("AUTOML_DATA", wishes.data)
    if reference is None:
        raise SettingsError(
            "Which data? Give --data (or AUTOML_DATA): a folder or a .zip with a sub-folder for each class, or: digits"
        )
    data = load_data_set(
        reference,
        home=home,
        splits=("train", "validation"),
        split_seed=wishes.seed,
        sizing=Sizing(wishes.image_size, wishes.fit),
        on_progress=on_progress,
    )
    space = space.fitted_to(data.image_shape)
    asked = space.pruner
    specification = Specification(
        data=DataIdentity.of(data),
        space=dataclasses.replace(space, notes=()),
        metric=known_metric(wishes.metric or space.metric or str(settings.get("AUTOML_METRIC"))),
        sampler=wishes.sampler or space.sampler or "tpe",
        pruner=wishes.pruner or (asked.name if asked else "median"),
        startup_trials=STARTUP_TRIALS if wishes.startup_trials is None else wishes.startup_trials,
        warmup_epochs=_warmup_epochs(wishes, asked),
        reduction_factor=asked.reduction_factor if asked and wishes.pruner is None else REDUCTION_FACTOR,
        seed=wishes.seed,
        model=wishes.model,
        keep=wishes.keep,
        max_parameters=wishes.max_parameters,
        max_milliseconds=wishes.max_milliseconds,
    )
    name = settings.get("AUTOML_STUDY", wishes.study) or default_name(data.name, space.name, specification.metric)
    notes = (*data.notes, *space.notes, *_approximations(space), *_overridden(wishes, space))
    notes += tuple(_without_effect(wishes, specification.pruner))
    return Plan(name, specification, make_budget(wishes, settings, space), data, notes)


def _approximations(space: SearchSpace) -> Iterator[str]:
    return (f"{parameter.source}: {parameter.note}" for parameter in space.parameters if not parameter.exact)


def _overridden(wishes: Wishes, space: SearchSpace) -> Iterator[str]:
    """What the space's file says of the search, and a flag says otherwise."""
    pruner = space.pruner.name if space.pruner else None
    for name, asked, written in (
        ("sampler", wishes.sampler, space.sampler),
        ("metric", wishes.metric, space.metric),
        ("pruner", wishes.pruner, pruner),
        ("trials", wishes.trials, space.budget),
    ):
        if asked is not None and written is not None and asked != written:
            yield f"--{name} {asked} instead of the file's {written}"


def _without_effect(wishes: Wishes, pruner: str) -> Iterator[str]:
    """Flags of a pruner that another one does not read."""
    if wishes.startup_trials is not None and pruner in (*BAND_PRUNERS, "none"):
        yield f"--startup-trials has no effect: {pruner} judges without it"
    if wishes.warmup_epochs is not None and pruner == "none":
        yield "--warmup-epochs has no effect: nothing is pruned"


def _warmup_epochs(wishes: Wishes, asked: PrunerSetting | None) -> int:
    if wishes.warmup_epochs is not None:
        return wishes.warmup_epochs
    if asked and wishes.pruner is None:
        return asked.warmup_epochs
    return FIRST_BAND_EPOCHS if wishes.pruner in BAND_PRUNERS else WARMUP_EPOCHS


def known_metric(name: str) -> str:
    """`name`, if it is a metric.

    Raises: SettingsError if not.
    """
    if name not in METRICS:
        raise SettingsError(f"Unknown metric {name!r}. Known: {', '.join(METRICS)}.")
    return name


def make_budget(wishes: Wishes, settings: Settings, space: SearchSpace) -> Budget:
    """Totals in trials and seconds; a new study with a time alone has no limit of trials.

    Raises: SpaceError if a grid is asked for that has no end.
    """
    trials, configured, default = wishes.trials, space.budget, settings.whole_number("AUTOML_TRIALS")
    if configured is None and "AUTOML_TRIALS" in settings.values:
        configured = default
    if (wishes.sampler or space.sampler) == "grid":
        combinations = len(space.grid())
        if combinations == 0:
            raise SpaceError("The grid is empty: the space has no combination.")
        trials = min(trials, combinations) if trials else None
        configured = min(configured or combinations, combinations)
    return Budget(
        trials=trials,
        seconds=wishes.timeout,
        trial_seconds=wishes.trial_timeout,
        configured_trials=configured,
        default_trials=default,
    )


def add_planning_options(parser: argparse.ArgumentParser) -> None:
    """Options of a search's specification and budget."""
    parser.add_argument("--data", metavar="D", help="name, folder or .zip of labelled images (AUTOML_DATA)")
    parser.add_argument(
        "--space", metavar="S", help="search space: a shipped name or a YAML file (AUTOML_SPACE, default)"
    )
    parser.add_argument("--metric", choices=tuple(METRICS), help="what decides (AUTOML_METRIC, accuracy)")
    parser.add_argument("--trials", type=whole_number, metavar="N", help="finished trials in all (AUTOML_TRIALS, 30)")
    parser.add_argument("--timeout", type=duration, metavar="T", help="time of search in all: 600, 90s, 10m, 2h")
    parser.add_argument("--trial-timeout", type=duration, metavar="T", help="time of one trial, which then stops early")
    add_sizing_options(parser)
    more = parser.add_argument_group("how it searches")
    more.add_argument("--ignore-unknown", action="store_true", help="leave unknown parameters of the space out")
    more.add_argument("--epochs", type=whole_number, metavar="N", help="epochs of each trial, instead of the space's")
    more.add_argument("--sampler", choices=SAMPLERS, help="who proposes (tpe)")
    more.add_argument("--pruner", choices=PRUNERS, help="who stops a trial early (median)")
    more.add_argument(
        "--startup-trials",
        type=count_from_zero,
        metavar="N",
        help=f"finished trials before the pruner judges ({STARTUP_TRIALS})",
    )
    more.add_argument(
        "--warmup-epochs",
        type=count_from_zero,
        metavar="N",
        help=f"epochs of a trial before the pruner judges it ({WARMUP_EPOCHS}; of bands {FIRST_BAND_EPOCHS})",
    )
    more.add_argument(
        "--max-parameters", type=whole_number, metavar="N", help="of a network; larger ones end untrained"
    )
    more.add_argument(
        "--max-milliseconds",
        type=positive_number,
        metavar="X",
        help="of a network for one image on the worker; slower ones end untrained",
    )
    more.add_argument("--seed", type=count_from_zero, default=0, metavar="N", help="of splits, samplers and trials (0)")
    more.add_argument("--model", metavar="PACKAGE.MODULE:BUILD", help="a network of your own instead of the family")
    more.add_argument(
        "--keep", type=whole_number, default=KEEP, metavar="N", help=f"best trials whose weights stay ({KEEP})"
    )


def wishes_of(arguments: argparse.Namespace) -> Wishes:
    """What the planning options of a command line say."""
    return Wishes(**{field.name: getattr(arguments, field.name) for field in dataclasses.fields(Wishes)})
