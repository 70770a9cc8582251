"""The README's pictures, drawn from a finished study: python docs/make_pictures.py HOME [--study NAME] [--confirmed].

`HOME` is the folder that the search kept its studies in, by default `.automl` where it ran.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Literal

from automl.confirmation.confirmed import Confirmation, find_confirmation
from automl.figures.canvas import save_png
from automl.figures.search.confirmation import confirmation_chart
from automl.figures.search.history import TrialPoint, search_history
from automl.metrics import METRICS
from automl.report.sections.confirmation_section import repeated
from automl.results.trials import FinishedTrial, finished_trials
from automl.storage.database import open_database
from automl.study.record import StudyRecord, find_study

IMAGES = Path(__file__).parent / "images"
STATES: dict[str, Literal["complete", "pruned", "failed"]] = {
    "complete": "complete",
    "pruned": "pruned",
    "failed": "failed",
}


def main() -> None:
    """Draw one study's picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("home", type=Path, metavar="HOME", help="folder of the search's database")
    parser.add_argument("--study", metavar="NAME", help="study (the newest)")
    parser.add_argument("--confirmed", action="store_true", help="its confirmation, instead of its history")
    parser.add_argument("--output", type=Path, metavar="PNG", help="(docs/images/search.png, or confirmation.png)")
    arguments = parser.parse_args()
    with open_database(None, home=arguments.home) as database, database.engine.connect() as connection:
        record = find_study(connection, arguments.study)
        trials = finished_trials(connection, record)
        confirmation = find_confirmation(connection, record)
    if not arguments.confirmed:
        draw_history(record, trials, arguments.output or IMAGES / "search.png")
    elif confirmation is None:
        parser.error(f"study {record.name} was not confirmed: automl confirm {record.name}")
    else:
        draw_confirmation(confirmation, arguments.output or IMAGES / "confirmation.png")


def draw_history(record: StudyRecord, trials: list[FinishedTrial], path: Path) -> None:
    """Every finished trial by its number, and the best so far."""
    metric = METRICS[record.specification.metric]
    points = [TrialPoint(trial.number, STATES[trial.state], trial.value) for trial in trials]
    label = f"validation {metric.name.replace('_', ' ')}"
    save_png(search_history(points, value_label=label, maximize=metric.maximize), path)


def draw_confirmation(found: Confirmation, path: Path) -> None:
    """Each repeated recipe: its new seeds, their mean, and what the search had."""
    label = f"validation {found.record.specification.metric.replace('_', ' ')}"
    save_png(confirmation_chart(repeated(found), value_label=label), path)


if __name__ == "__main__":
    main()
