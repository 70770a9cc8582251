"""Search quality side by side: ours, Ray Tune and the diary's way, one after another, in the same time each.

    pip install --requirement benchmarks/peers/requirements.txt
    python -m benchmarks.peers.compare ../shared/data/fer2013/archive.zip --home HOME --output

All draw recipes from the space fer2013 (20 epochs), try the same first ones, and train on the same 6,000 images of
FER2013 with PublicTest as validation; PrivateTest is looked at once, at the end. Time counts from the start of the
process. A run that is interrupted goes on with the searches that have no record yet.
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from scipy.stats import t

from automl.figures.canvas import COLOURS, INK, new_figure, save_png, style
from benchmarks.epoch import page
from benchmarks.fer2013_part import write_part
from benchmarks.machine import machine_line
from benchmarks.peers.task import EPOCHS, PATIENCE, Record

RESULT = Path(__file__).parents[1] / "results" / "peers.md"
PICTURE = Path(__file__).parents[2] / "docs" / "images" / "peers.png"
CONTENDERS = {
    "ours": "automl search",
    "ray_tune": "Ray Tune: Optuna searcher, ASHA, notebook loop",
    "diary": f"random search, patience {PATIENCE}, notebook loop",
}
PACKAGES = ("torch", "optuna", "ray")
MINUTE = 60.0
Records = Mapping[str, Sequence[Record]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", help="FER2013")
    parser.add_argument("--minutes", type=float, default=10, help="of each search (10)")
    parser.add_argument("--seeds", type=int, default=3, help="searches of each contender (3)")
    parser.add_argument("--contenders", nargs="+", choices=tuple(CONTENDERS), default=tuple(CONTENDERS), metavar="NAME")
    parser.add_argument("--home", type=Path, default=Path(".automl/peers"), help="folder of everything (.automl/peers)")
    parser.add_argument("--output", action="store_true", help="also write the table and the picture")
    options = parser.parse_args()
    load, seconds = os.getloadavg()[0], options.minutes * MINUTE
    part = write_part(options.data, options.home)
    records: dict[str, list[Record]] = {name: [] for name in options.contenders}
    for seed in range(options.seeds):
        for name in options.contenders:
            records[name].append(searched(name, part, options.home / f"{name}-{seed}", seconds, seed))
    text = report(records, seconds, load)
    print(text)
    if options.output:
        RESULT.write_text(text, encoding="utf-8")
        save_png(picture(records, seconds), PICTURE)


def searched(name: str, part: Path, home: Path, seconds: float, seed: int) -> Record:
    """One search in a process of its own, unless its record is there."""
    path = home.with_suffix(".record.json")
    if not path.exists():
        home.mkdir(parents=True, exist_ok=True)
        print(f"{name}, seed {seed}", flush=True)
        arguments = ["--seconds", str(seconds), "--seed", str(seed), "--started-at", str(time.time())]
        subprocess.run(
            [sys.executable, "-m", f"benchmarks.peers.{name}", str(part), str(home), str(path), *arguments], check=True
        )
    return Record.read(path)


def report(records: Records, seconds: float, load: float) -> str:
    """The table."""
    n = max(len(runs) for runs in records.values())
    return page(
        "Search quality against other ways to search",
        f"FER2013, 6,000 training images, PublicTest as validation; space fer2013, {EPOCHS} epochs, the same first "
        f"recipes; {seconds / MINUTE:g} minutes of wall clock each. Best validation accuracy of a model that could be "
        "handed over at that time, and its accuracy on PrivateTest; mean over seeds, with its 95 % interval (Student's "
        "t).",
        [
            f"| contender | after {seconds / 2 / MINUTE:g} min | after {seconds / MINUTE:g} min | test | trials |",
            "| --- | --- | --- | --- | --- |",
            *(row(CONTENDERS[name], runs, seconds) for name, runs in records.items()),
        ],
        f"{machine_line(PACKAGES, n=n, load=load, of='seeds each', medians=False)} "
        "Made by `python -m benchmarks.peers.compare FER2013 --output`.",
    )


def row(name: str, runs: Sequence[Record], seconds: float) -> str:
    """One contender."""
    columns = [
        [run.best_at(seconds / 2) for run in runs],
        [run.best_at(seconds) for run in runs],
        [run.test_accuracy or 0.0 for run in runs],
    ]
    trials = statistics.mean(run.trials for run in runs)
    return f"| {name} | {' | '.join(map(mean_with_interval, columns))} | {trials:.0f} |"


def mean_with_interval(values: Sequence[float]) -> str:
    """`0.512 ± 0.010`, by Student's t; the interval is left out for one value."""
    mean = statistics.mean(values)
    if len(values) < 2:
        return f"{mean:.3f}"
    half = t.ppf(0.975, len(values) - 1) * statistics.stdev(values) / math.sqrt(len(values))
    return f"{mean:.3f} ± {half:.3f}"


def picture(records: Records, seconds: float) -> Figure:
    """Best validation accuracy over time, the mean of the seeds, with each seed faint beneath."""
    figure = new_figure(height_inches=3.6)
    axes = figure.add_subplot()
    style(axes, x_label="minutes", y_label="best validation accuracy")
    moments = np.linspace(0, seconds, 241)
    for (name, runs), colour in zip(records.items(), COLOURS, strict=False):
        curves = np.array([[run.best_at(moment) for moment in moments] for run in runs])
        for curve in curves:
            axes.step(moments / MINUTE, np.where(curve > 0, curve, np.nan), color=colour, alpha=0.25, linewidth=1)
        shown = np.where((curves > 0).all(axis=0), curves.mean(axis=0), np.nan)
        axes.step(moments / MINUTE, shown, color=colour, label=CONTENDERS[name], linewidth=2)
    axes.legend(frameon=False, labelcolor=INK, loc="lower right")
    return figure


if __name__ == "__main__":
    main()
