"""The pruner against what it replaces: real learning curves, replayed under every rule in 100 random orders.

    python -m benchmarks.pruning train ../shared/data/fer2013/archive.zip --home HOME
    python -m benchmarks.pruning curves --home HOME
    python -m benchmarks.pruning replay --output

`train` searches the space fer2013 at random on 6,000 of FER2013's training images and stops nothing: 30 trials of 20
epochs, validated on PublicTest. It may be interrupted, and the same line continues it. Its curves are kept in
results/pruning_curves.json, by `curves` those that are complete so far. `replay` runs each rule over them as one worker
would meet them.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import optuna
from matplotlib.figure import Figure
from optuna.pruners import BasePruner, HyperbandPruner, NopPruner, PercentilePruner, SuccessiveHalvingPruner
from optuna.trial import TrialState

from automl.api import search
from automl.application.plan import STARTUP_TRIALS, WARMUP_EPOCHS
from automl.figures.canvas import COLOURS, FAINT, INK, new_figure, save_png, style
from automl.results.trials import finished_trials, read_trial
from automl.storage.attributes import EPOCHS_ATTRIBUTE
from automl.storage.database import open_database
from automl.study.record import find_study
from automl.worker.strategies.pruners import KEPT, RankPruner
from benchmarks.fer2013_part import TRAIN_IMAGES, write_part
from benchmarks.machine import machine_line

RESULTS = Path(__file__).parent / "results"
CURVES = RESULTS / "pruning_curves.json"
TABLE = RESULTS / "pruning.md"
PICTURE = Path(__file__).parents[1] / "docs" / "images" / "pruning.png"
STUDY = "pruning-curves"
TRIALS, EPOCHS, ORDERS = 30, 20, 100
PACKAGES = ("optuna", "torch", "numpy")

Curve = npt.NDArray[np.float64]
"""Validation accuracy of each epoch of one trial."""


@dataclass(frozen=True)
class Rule:
    """Who stops a trial early: a pruner, or a fixed patience."""

    name: str
    kind: str
    label: str
    """Beside its point in the picture."""
    pruner: Callable[[], BasePruner] = NopPruner
    patience: int | None = None
    """Epochs without a new best; the best weights of a trial that stops so are kept, and it may be chosen."""


@dataclass(frozen=True)
class Replayed:
    """One rule over one order of the trials."""

    epochs: int
    regret: float
    """Accuracy that the chosen trial lacks to the best of all curves."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    training = commands.add_parser("train", help=f"train {TRIALS} curves once to the end")
    training.add_argument("data", help="FER2013")
    training.add_argument("--home", type=Path, default=Path(".automl"), help="folder of the search (.automl)")
    training.set_defaults(run=lambda options: train_curves(options.data, options.home))
    keeping = commands.add_parser("curves", help="keep the curves that are complete so far")
    keeping.add_argument("--home", type=Path, default=Path(".automl"), help="folder of the search (.automl)")
    keeping.set_defaults(run=lambda options: keep_curves(options.home))
    replaying = commands.add_parser("replay", help="replay every rule on the curves")
    replaying.add_argument("--output", action="store_true", help="write the table and the picture")
    replaying.set_defaults(run=lambda options: replay_all(write=options.output))
    options = parser.parse_args()
    options.run(options)


def train_curves(source: str, home: Path) -> None:
    """Search at random without a pruner, then keep every curve."""
    part = write_part(source, home)
    search(part, space="fer2013", trials=TRIALS, epochs=EPOCHS, sampler="random", pruner="none", study=STUDY, home=home)
    keep_curves(home)


def keep_curves(home: Path) -> None:
    """Write the curves of all complete trials to the file that is replayed."""
    with open_database(None, home=home) as database, database.engine.connect() as connection:
        record = find_study(connection, STUDY)
        numbers = sorted(trial.number for trial in finished_trials(connection, record) if trial.state == "complete")
        trials = [read_trial(connection, record, number) for number in numbers]
    curves = [
        {
            "trial": trial.number,
            "validation_accuracy": [round(epoch.validation_accuracy, 5) for epoch in trial.epochs],
            "train_accuracy": [round(epoch.train_accuracy, 5) for epoch in trial.epochs],
        }
        for trial in trials
    ]
    CURVES.write_text(json.dumps(curves, indent=1) + "\n", encoding="utf-8")
    print(f"{len(curves)} curves in {CURVES}")


def rules() -> list[Rule]:
    """Every rule, ours by default first among ours."""
    default = (STARTUP_TRIALS, WARMUP_EPOCHS)
    return [
        Rule("none", "none", "none"),
        *(Rule(f"patience {epochs}", "patience", f"patience {epochs}", patience=epochs) for epochs in (8, 4)),
        _after(OURS, "ours", *default, partial(_ours, "median"), note=" (default)"),
        *(_after(OURS, "ours", *pair, partial(_ours, "median")) for pair in OUR_PAIRS if pair != default),
        _after(OURS, "ours", *default, partial(_ours, "percentile"), note=QUARTER),
        *(_after(OPTUNAS, "Optuna's median", *pair, partial(PercentilePruner, 50.0)) for pair in OPTUNAS_PAIRS),
        _after(OPTUNAS, "Optuna's percentile", 5, 3, partial(PercentilePruner, 25.0), note=QUARTER),
        Rule("successive halving from 3 epochs by 3", BANDS, "halving", partial(SuccessiveHalvingPruner, 3, 3)),
        Rule("hyperband from 3 epochs by 3", BANDS, "Hyperband", partial(HyperbandPruner, 3, EPOCHS, 3)),
    ]


OUR_PAIRS = ((3, 1), (3, 2), (3, 3), (5, 1), (5, 2), (5, 3), (10, 2))
OPTUNAS_PAIRS = ((5, 3), (3, 3), (10, 3), (5, 0), (5, 1), (3, 0), (5, 7), (5, 10), (3, 7), (3, 10))
"""Trials and epochs before a rule judges; 7 and 10 of 20 epochs are a third and a half of the schedule."""
QUARTER = " (a quarter)"
OURS, OPTUNAS, BANDS = "ranks among all trials (ours)", "ranks among complete trials (Optuna)", "bands (Optuna)"


def _after(
    kind: str, rule: str, trials: int, epochs: int, pruner: Callable[[int, int], BasePruner], *, note: str = ""
) -> Rule:
    """A rule that begins after so many trials, and so many epochs of each."""
    name, label = f"{rule} after {trials} trials and {epochs} epochs{note}", f"{trials}, {epochs}{note}"
    return Rule(name, kind, label, partial(pruner, trials, epochs))


def _ours(name: str, startup_trials: int, warmup_epochs: int) -> BasePruner:
    return RankPruner(KEPT[name], startup_trials=startup_trials, warmup_epochs=warmup_epochs)


def replay(rule: Rule, curves: Sequence[Curve], *, name: str) -> Replayed:
    """Meet the curves in this order, as one worker would. Hyperband draws its brackets by the study's name."""
    study = optuna.create_study(study_name=name, direction="maximize", pruner=rule.pruner())
    epochs, chosen = 0, 0.0
    for curve in curves:
        trained, complete = _met(study, rule, curve)
        epochs += trained
        if complete:
            chosen = max(chosen, curve[:trained].max())
    return Replayed(epochs, max(curve.max() for curve in curves) - chosen)


def _met(study: optuna.Study, rule: Rule, curve: Curve) -> tuple[int, bool]:
    """Epochs that the rule lets one trial train, and whether it may be chosen afterwards."""
    trial = study.ask()
    trial.set_user_attr(EPOCHS_ATTRIBUTE, len(curve))
    for step, value in enumerate(curve):
        trial.report(float(value), step)
        if rule.patience is not None and step - int(np.argmax(curve[: step + 1])) >= rule.patience:
            study.tell(trial, float(curve[: step + 1].max()))
            return step + 1, True
        if step + 1 < len(curve) and trial.should_prune():
            study.tell(trial, state=TrialState.PRUNED)
            return step + 1, False
    study.tell(trial, float(curve.max()))
    return len(curve), True


def replay_all(*, write: bool) -> None:
    """Replay every rule in every order, print the table, and keep it with a picture."""
    load = os.getloadavg()[0]
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    curves = [np.array(document["validation_accuracy"]) for document in json.loads(CURVES.read_text("utf-8"))]
    random = np.random.RandomState(0)
    orders = [random.permutation(len(curves)) for _ in range(ORDERS)]
    results = {}
    for rule in rules():
        print(rule.name, flush=True)
        results[rule.name] = [
            replay(rule, [curves[index] for index in order], name=f"order {number}")
            for number, order in enumerate(orders)
        ]
    table = report(results, load, curves=len(curves))
    print(table)
    if write:
        TABLE.write_text(table, encoding="utf-8")
        save_png(picture(results, curves=len(curves)), PICTURE)


def report(results: Mapping[str, Sequence[Replayed]], load: float, *, curves: int) -> str:
    """The table: epochs, regret, and how often the best of all curves was lost."""
    patience = _mean_epochs(results["patience 8"])
    rows = [
        f"| {name} | {_mean_epochs(runs):.0f} | {_mean_epochs(runs) / patience:.2f} | "
        f"{100 * np.mean([run.regret > 0 for run in runs]):.0f} % | {100 * np.mean([r.regret for r in runs]):.2f} | "
        f"{100 * max(run.regret for run in runs):.2f} |"
        for name, runs in results.items()
    ]
    return "\n".join(
        (
            "# The pruner against what it replaces",
            "",
            f"{curves} curves of {EPOCHS} epochs from the space fer2013, drawn at random, on {TRAIN_IMAGES:,} training "
            f"images of FER2013 and all of PublicTest; each rule meets them in the same {ORDERS} random orders. Regret "
            "is in points of validation accuracy, against the best of all curves.",
            "",
            "| rule | epochs | of patience 8 | best trial lost | mean regret | worst regret |",
            "| --- | --- | --- | --- | --- | --- |",
            *rows,
            "",
            machine_line(PACKAGES, n=ORDERS, load=load, of="orders", medians=False),
            "",
            "Made by `python -m benchmarks.pruning replay --output` from `pruning_curves.json`, which "
            "`python -m benchmarks.pruning train FER2013` made.",
            "",
        )
    )


def picture(results: Mapping[str, Sequence[Replayed]], *, curves: int) -> Figure:
    """Epochs against regret: what is low and to the left is better."""
    figure = new_figure(height_inches=4.2)
    axes = figure.add_subplot()
    style(axes, x_label=f"epochs for {curves} trials", y_label="mean regret, points of accuracy")
    colours = {OURS: COLOURS[0], OPTUNAS: COLOURS[2], BANDS: FAINT, "patience": COLOURS[1], "none": INK}
    for kind, colour in colours.items():
        mine = [rule for rule in rules() if rule.kind == kind]
        epochs = [_mean_epochs(results[rule.name]) for rule in mine]
        regrets = [100 * float(np.mean([run.regret for run in results[rule.name]])) for rule in mine]
        axes.scatter(epochs, regrets, color=colour, s=36, label=kind if len(mine) > 1 else None)
        for rule, x, y in zip(mine, epochs, regrets, strict=True):
            axes.annotate(
                rule.label, (x, y), xytext=(3, 4), textcoords="offset points", fontsize=7, color=INK, rotation=30
            )
    axes.legend(frameon=False, labelcolor=INK)
    return figure


def _mean_epochs(runs: Sequence[Replayed]) -> float:
    return float(np.mean([run.epochs for run in runs]))


if __name__ == "__main__":
    main()
