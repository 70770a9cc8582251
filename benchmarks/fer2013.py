"""FER2013 with the service, hands-off: the searches whose figures the README quotes.

    python -m benchmarks.fer2013 seed ../shared/data/fer2013/archive.zip --output
    python -m benchmarks.fer2013 hour ../shared/data/fer2013/archive.zip --output
    python -m benchmarks.fer2013 long ../shared/data/fer2013/archive.zip --output
    python -m benchmarks.fer2013 gpu ../shared/data/fer2013/archive.zip --output

`seed` runs the original experiments (search_spaces/seed), `hour` searches for 57 minutes on what the machine has and
exports the best, alone and as an ensemble. `long` goes on from there and trains the best recipes longer; `gpu` searches
for 15 minutes in the larger space and then does the same.
PublicTest chooses; PrivateTest is opened by the exports. Interrupted, the same line continues where it was. What is
kept in results/fer2013/ has neither weights nor images.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from automl.recipe import Recipe, in_words
from benchmarks.epoch import page
from benchmarks.machine import hardware

RESULTS = Path(__file__).parent / "results" / "fer2013"
SEARCH_MINUTES = 57
"""Of the hour; the rest is for exporting."""
GPU_MINUTES = 15
HOUR_STUDY, GPU_STUDY = "fer2013-hour", "fer2013-gpu"


@dataclass(frozen=True)
class Experiment:
    """One of the original experiments, as a space file, and what it gave there."""

    space: str
    there: str
    trials: int = 1


EXPERIMENTS = (
    Experiment("seed/1-perceptron", "test 30.30 %"),
    Experiment("seed/2-small-cnn", "test 54.37 %"),
    Experiment("seed/3-augmented-default", "test 60.64 %"),
    Experiment("seed/3-augmented-sweep", "test 60.61 %, best of all 60.99 %", trials=4),
    Experiment("seed/4-residual", "validation 58.38 %", trials=4),
    Experiment("seed/5-residual-shallower", "validation 57.65 %", trials=4),
    Experiment("seed/6-small-residual", "validation 58.85 %", trials=4),
)


class Service:
    """The command line, as its user would type it, in one home."""

    def __init__(self, data: str, home: Path) -> None:
        self.data = data
        self.home = home
        self._began = time.monotonic()
        self.lines: list[str] = []
        """The commands so far, without what concerns this machine alone."""

    @property
    def elapsed_minutes(self) -> float:
        """Since the start."""
        return (time.monotonic() - self._began) / 60

    def search(self, *options: str) -> dict[str, Any]:
        """`automl search` on the data, and its answer; ends the run where the search was interrupted."""
        found = self.answer("search", "--data", self.data, *options)
        if found["interrupted"]:
            raise SystemExit("The search was interrupted; the same line continues it.")
        return found

    def answer(self, *arguments: str) -> dict[str, Any]:
        """Run a command with `--json`; its progress is shown.

        Raises: subprocess.CalledProcessError if it fails.
        """
        own = str(self.home) + os.sep
        shown = (Path(word).name if word == self.data or word.startswith(own) else word for word in arguments)
        self.lines.append(shlex.join(["automl", *shown]))
        print(self.lines[-1], file=sys.stderr, flush=True)
        done = subprocess.run(
            [sys.executable, "-m", "automl", *arguments, "--home", str(self.home), "--json"],
            env={**os.environ, "WANDB_MODE": "offline"},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer


def main() -> None:
    spaces = [experiment.space for experiment in EXPERIMENTS]
    stages: dict[str, Callable[[Service], str]] = {
        "seed": lambda service: run_seed(service, options.spaces),
        "hour": run_hour,
        "long": run_long,
        "gpu": run_gpu,
    }
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stage", choices=tuple(stages))
    parser.add_argument("data", help="FER2013")
    parser.add_argument("--home", type=Path, default=Path(".automl/fer2013"), help="of the searches (.automl/fer2013)")
    parser.add_argument(
        "--spaces", nargs="+", choices=spaces, default=spaces, metavar="S", help="of `seed`: some of its experiments"
    )
    parser.add_argument("--output", action="store_true", help="also write the page")
    options = parser.parse_args()
    text = stages[options.stage](Service(options.data, options.home))
    print(text)
    if options.output:
        RESULTS.mkdir(parents=True, exist_ok=True)
        (RESULTS / f"{options.stage}.md").write_text(text, encoding="utf-8")


def run_seed(service: Service, spaces: Sequence[str]) -> str:
    """The original experiments in these spaces; the best of a few trials where it was a sweep."""
    rows = [_seed_row(service, experiment) for experiment in EXPERIMENTS if experiment.space in spaces]
    table = ["| space | there | trials | PublicTest | gap to training | PrivateTest | minutes |", "| --- " * 7 + "|"]
    what = (
        "The original experiments as this service runs them. *There*: on their own parts of the training set. "
        "Here PublicTest chose trial and epoch, and PrivateTest was opened once for each. *Gap*: what accuracy on the "
        "training images, augmented, is above that on PublicTest at the chosen epoch and, behind the stroke, at the "
        "last."
    )
    return page("FER2013: the original experiments", what, [*table, *rows], how("seed"))


def _seed_row(service: Service, experiment: Experiment) -> str:
    name = experiment.space.replace("/", "-")
    model = str(service.home / f"{name}.pt")
    found = service.search(
        *("--space", experiment.space, "--trials", str(experiment.trials), "--study", name, "--export", model),
        *(("--workers", "1") if experiment.trials == 1 else ()),  # which then has all cores
    )
    best, test, status = found["best"], found["export"]["test"], found["status"]
    gaps = [epoch["train_accuracy"] - epoch["validation_accuracy"] for epoch in best["epochs"]]
    return (
        f"| `{experiment.space}` | {experiment.there} | {status['finished']} | {percent(best['value'])} | "
        f"{100 * gaps[best['best_epoch']]:+.1f} / {100 * gaps[-1]:+.1f} | {with_interval(test)} | "
        f"{status['active_seconds'] / 60:.0f} |"
    )


def run_hour(service: Service) -> str:
    """One search in the space fer2013, then the best trial alone and the ensemble of the best."""
    # The weights of more trials than by default are kept: all of them may be members.
    options = ("--space", "fer2013", "--trials", "200", "--keep", "12", "--study", HOUR_STUDY)
    alone = service.search(*options, "--timeout", f"{SEARCH_MINUTES}m", "--export", str(service.home / "alone.pt"))
    vote = service.answer("best", HOUR_STUDY, "--top", "12", "--tta", "--export", str(service.home / "ensemble.pt"))
    return _searched("FER2013 in an hour", service, alone, vote, stage="hour")


def run_long(service: Service) -> str:
    """After the hour: its best four recipes trained anew, three times as long, and the ensemble of all."""
    return _confirmed("FER2013 in several hours", service, HOUR_STUDY, top=4, factor=3, stage="long")


def run_gpu(service: Service) -> str:
    """Fifteen minutes of search in the larger space, then the best five recipes trained anew, four times as long."""
    options = ("--space", "fer2013-large", "--trials", "500", "--keep", "12", "--study", GPU_STUDY)
    service.search(*options, "--timeout", f"{GPU_MINUTES}m")
    return _confirmed("FER2013 on a GPU", service, GPU_STUDY, top=5, factor=4, stage="gpu")


def _confirmed(title: str, service: Service, study: str, *, top: int, factor: int, stage: str) -> str:
    service.answer("confirm", study, "--top", str(top), "--seeds", "1", "--epochs-factor", str(factor))
    best = service.answer("best", study, "--export", str(service.home / "alone.pt"))
    alone = {"status": service.answer("status", study), "best": best, "export": best["export"]}
    vote = service.answer("best", study, "--top", "12", "--tta", "--export", str(service.home / "ensemble.pt"))
    return _searched(title, service, alone, vote, stage=stage)


def _searched(title: str, service: Service, alone: Mapping[str, Any], vote: Mapping[str, Any], *, stage: str) -> str:
    status, best = alone["status"], alone["best"]
    together = vote["export"]["vote"]["together"]
    members = ", ".join(f"{number} ({share:.0%})" for number, share in vote["export"]["vote"]["shares"].items())
    table = [
        "| model | PublicTest | PrivateTest | parameters |",
        "| --- | --- | --- | --- |",
        f"| best trial alone | {percent(best['value'])} | {with_interval(alone['export']['test'])} | "
        f"{best['parameters']:,} |",
        f"| ensemble of the best, with mirror images | {percent(together['validation'])} | "
        f"{with_interval(vote['export']['test'])} | {together['parameters']:,} |",
    ]
    what = "\n\n".join(
        (
            f"{status['finished']} trials ({status['complete']} complete, {status['pruned']} pruned, "
            f"{status['failed']} failed) in {status['active_seconds'] / 60:.0f} minutes of search; "
            f"{service.elapsed_minutes:.0f} minutes of wall clock from this run's first command to its last model. "
            "PublicTest chose, PrivateTest was opened by the exports alone.",
            "```console\n" + "\n".join(f"$ {line}" for line in service.lines) + "\n```",
            f"Best, trial {best['number']}: {in_words(Recipe.from_mapping(best['recipe']))}.",
            f"Ensemble: trials {members}.",
        )
    )
    return page(title, what, table, how(stage))


def percent(share: float) -> str:
    """`68.12 %`."""
    return f"{100 * share:.2f} %"


def with_interval(test: Mapping[str, Any]) -> str:
    """`68.12 % (66.6 to 69.6)`: accuracy with its 95 % interval."""
    low, high = test["accuracy_interval"]
    return f"{percent(test['accuracy'])} ({100 * low:.1f} to {100 * high:.1f})"


def how(stage: str) -> str:
    """Hardware, versions, date, n and the command."""
    device = f"{torch.cuda.get_device_name()}; " if torch.cuda.is_available() else ""
    return (
        f"{device}{hardware()}; Python {platform.python_version()}, torch {version('torch')}; n = 1; "
        f"{datetime.now(tz=UTC):%Y-%m-%d}; load average afterwards {os.getloadavg()[2]:.1f}. "
        f"Made by `python -m benchmarks.fer2013 {stage} FER2013 --output`."
    )


if __name__ == "__main__":
    main()
