"""The README's pictures, drawn from a finished study: python docs/make_pictures.py HOME [--study NAME].

`HOME` is the folder that the search kept its studies in, by default `.automl` where it ran.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from sqlalchemy.engine import Connection

from automl.figures.canvas import save_png
from automl.figures.curves import Curve, learning_curves
from automl.figures.history import TrialPoint, search_history
from automl.search.database import open_database
from automl.search.results import FinishedTrial, TrialRecord, finished_trials, read_trial
from automl.search.study import StudyRecord, find_study
from automl.training.result import METRICS

IMAGES = Path(__file__).parent / "images"


def main() -> None:
    """Draw both pictures of one study."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("home", type=Path, metavar="HOME", help="folder of the search's database")
    parser.add_argument("--study", metavar="NAME", help="study (the newest)")
    parser.add_argument("--output", type=Path, default=IMAGES, metavar="DIR", help="where the PNGs go (docs/images)")
    arguments = parser.parse_args()
    with open_database(None, home=arguments.home) as database, database.engine.connect() as connection:
        record = find_study(connection, arguments.study)
        draw_history(connection, record, arguments.output / "search.png")
        draw_curves(connection, record, arguments.output / "curves.png")


def draw_history(connection: Connection, record: StudyRecord, path: Path) -> None:
    """Every finished trial by its number, and the best so far."""
    metric = METRICS[record.specification.metric]
    points = [_point(trial) for trial in finished_trials(connection, record)]
    figure = search_history(points, value_label=f"validation {_words(metric.name)}", maximize=metric.maximize)
    save_png(figure, path)


def draw_curves(connection: Connection, record: StudyRecord, path: Path) -> None:
    """Accuracy of every trial by epoch, the best trials first."""
    metric = METRICS[record.specification.metric]
    trials = [read_trial(connection, record, trial.number) for trial in finished_trials(connection, record)]
    complete = [trial for trial in trials if trial.value is not None]
    best_first = sorted(complete, key=lambda trial: float(trial.value or 0), reverse=metric.maximize)
    curves = [_curve(trial) for trial in (*best_first, *(trial for trial in trials if trial.value is None))]
    save_png(learning_curves(curves, value_label="accuracy"), path)


def _point(trial: FinishedTrial) -> TrialPoint:
    assert trial.state in ("complete", "pruned", "failed"), trial
    return TrialPoint(trial.number, trial.state, trial.value)


def _curve(trial: TrialRecord) -> Curve:
    return Curve(
        label=f"trial {trial.number}",
        epochs=[result.epoch for result in trial.epochs],
        train=[result.train_accuracy for result in trial.epochs],
        validation=[result.validation_accuracy for result in trial.epochs],
    )


def _words(name: str) -> str:
    return name.replace("_", " ")


if __name__ == "__main__":
    main()
