"""`automl search`, as its user would start it; a model counts from the moment at which it can be exported."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.engine import Connection

from automl.errors import AutomlError
from automl.metrics import METRICS
from automl.results.best import best_unfinished, find_best, value_so_far
from automl.storage.attributes import PHASE_ATTRIBUTE, REPEATS_ATTRIBUTE
from automl.storage.database import Database, open_database
from automl.study.record import StudyRecord, find_study
from benchmarks.auto.record import Record

STUDY = "bench"
POLL_SECONDS = 1.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data")
    parser.add_argument("home", type=Path)
    parser.add_argument("record", type=Path)
    parser.add_argument("--metric", required=True)
    parser.add_argument("--space", default="auto")
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--started-at", type=float, required=True)
    options = parser.parse_args()
    search(options).write(options.record)


def search(options: argparse.Namespace) -> Record:
    """Search and export; the exported file is tested once."""
    model, record = options.home / "model.pt", Record()
    arguments = ["search", "--data", options.data, "--space", options.space, "--metric", options.metric]
    arguments += ["--timeout", f"{options.seconds:.0f}s", "--seed", str(options.seed), "--study", STUDY]
    arguments += ["--home", str(options.home), "--export", str(model)]
    with (options.home / "search.json").open("w") as answer, (options.home / "search.log").open("w") as log:
        process = subprocess.Popen(command(*arguments), stdout=answer, stderr=log, env=environment())
        watch(process, options, record)
    record.seconds = time.time() - options.started_at
    if process.returncode != 0:
        raise RuntimeError((options.home / "search.log").read_text("utf-8"))
    tested = command("evaluate", str(model), "--data", options.data, "--home", str(options.home))
    done = subprocess.run(tested, stdout=subprocess.PIPE, check=True, text=True, env=environment())
    record.test = float(json.loads(done.stdout)[options.metric])
    document = json.loads((options.home / "search.json").read_text("utf-8"))
    record.lost_share = document["status"].get("lost_share")
    with open_database(None, home=options.home) as database, database.engine.connect() as connection:
        study = find_study(connection, STUDY)
        record.winner = origin(connection, study, document["best"]["number"])
        if members := (document["export"] or {}).get("members"):
            record.winner = f"ensemble of {len(members)}, the best of it {record.winner}"
        record.trials = connection.scalar(
            text("SELECT count(*) FROM trials WHERE study_id = :study AND state IN ('COMPLETE', 'PRUNED')"),
            {"study": study.study_id},
        )
    return record


def command(*arguments: str) -> list[str]:
    """A command of ours that answers in JSON."""
    return [sys.executable, "-m", "automl", *arguments, "--json"]


def environment() -> dict[str, str]:
    """Nothing is uploaded."""
    return {**os.environ, "WANDB_MODE": "offline"}


def watch(process: subprocess.Popen[bytes], options: argparse.Namespace, record: Record) -> None:
    """Note the best model that could be exported, once a second, until the search is over."""
    while process.poll() is None and not (options.home / "postgres").exists():
        time.sleep(POLL_SECONDS)
    with open_database(None, home=options.home) as database:
        while process.poll() is None:
            value = exportable(database, options.metric)
            if value is not None:
                record.note(time.time() - options.started_at, value)
            time.sleep(POLL_SECONDS)


def exportable(database: Database, metric_name: str) -> float | None:
    """Validation value of the best model that `automl best --export` would write now; None: there is none."""
    try:
        with database.engine.connect() as connection:
            study = find_study(connection, STUDY)
            best = find_best(connection, study)
            if best is not None:
                return best.value
            unfinished = best_unfinished(connection, study)
    except AutomlError:  # the study is not there yet
        return None
    return None if unfinished is None else value_so_far(unfinished, METRICS[metric_name])


def origin(connection: Connection, study: StudyRecord, number: int) -> str:
    """Where the recipe of a trial came from: a first recipe, or proposed by the sampler; trained again or not."""
    rows = connection.execute(
        text(
            "SELECT key, value_json FROM trial_user_attributes JOIN trials USING (trial_id)"
            " WHERE study_id = :study AND number = :number"
        ),
        {"study": study.study_id, "number": number},
    )
    attributes = {row.key: row.value_json for row in rows}
    if PHASE_ATTRIBUTE in attributes:
        repeated = int(json.loads(attributes[REPEATS_ATTRIBUTE])["trial"])
        return f"trial {number}, a final training of {origin(connection, study, repeated)}"
    fixed = connection.scalar(
        text(
            "SELECT value_json FROM trial_system_attributes JOIN trials USING (trial_id)"
            " WHERE study_id = :study AND number = :number AND key = 'fixed_params'"
        ),
        {"study": study.study_id, "number": number},
    )
    is_first = fixed is not None and json.loads(fixed)
    return f"trial {number}, {'a first recipe' if is_first else 'proposed by the sampler'}"


if __name__ == "__main__":
    main()
