"""The books of a study after chaos.py: database, artifacts, workers' logs and wandb's files against each other."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy
from sqlalchemy import text
from sqlalchemy.engine import Connection

from automl.artifacts.artifact_records import artifact_files
from automl.artifacts.checkpoints import MOST_REPEATED_SECONDS
from automl.study.record import StudyRecord, find_study
from benchmarks.chaos_service import STUDY, ChaosService

# The reader of wandb's files is made for tests, and nothing else reads them.
from tests.tracking.wandb_files import WrittenRun, read_run

ENDED = re.compile(r"^trial (\d+): (?:complete|pruned|failed)", re.M)


@dataclass(frozen=True)
class Line:
    """One line of the books."""

    name: str
    found: object
    expected: object | None
    """None: whatever it is, it is right."""

    @property
    def is_right(self) -> bool:
        """Whether it is as it must be."""
        return self.expected is None or self.found == self.expected

    @property
    def verdict(self) -> str:
        """For the table."""
        return "" if self.expected is None else "right" if self.is_right else "WRONG"


@dataclass(frozen=True)
class Trial:
    """What the database has of one trial."""

    number: int
    state: str
    attempt: int
    lost: int
    planned: int | None
    epochs: tuple[int, ...]
    """In our table, in order."""
    steps: tuple[int, ...]
    """In Optuna's, in order."""

    @property
    def is_whole(self) -> bool:
        """Whether its epochs are there without a gap, in both tables, and all of them if it is complete."""
        count = self.planned if self.state == "COMPLETE" else len(self.epochs)
        return self.epochs == self.steps == tuple(range(count or 0))


TRIALS = text(
    """
    SELECT number, CAST(state AS text) AS state, coalesce(attempt, 0) AS attempt, coalesce(lost, 0) AS lost,
           epochs AS planned,
           ARRAY(SELECT epoch FROM automl_epochs AS e WHERE e.trial_id = trials.trial_id ORDER BY epoch) AS epochs,
           ARRAY(SELECT step FROM trial_intermediate_values AS v WHERE v.trial_id = trials.trial_id ORDER BY step)
           AS steps
    FROM trials LEFT JOIN automl_trials USING (trial_id) WHERE study_id = :study ORDER BY number
    """
)
WEIGHTS_OF = text(
    """
    SELECT DISTINCT number FROM trials JOIN trial_system_attributes USING (trial_id)
    WHERE study_id = :study AND key LIKE 'artifacts:%' AND value_json LIKE '%weights.pt%'
    """
)
BEST = text(
    """
    SELECT number FROM trials JOIN trial_values USING (trial_id) WHERE study_id = :study AND state = 'COMPLETE'
    ORDER BY value DESC, number LIMIT :keep
    """
)


def audited(service: ChaosService, *, trials: int) -> Sequence[Line]:
    """Every line of the books."""
    engine = sqlalchemy.create_engine(service.url)
    with engine.connect() as connection:
        record = find_study(connection, STUDY)
        found = _trials(connection, record)
        lines = [
            *_of_trials(found, trials),
            Line("workers that ended by themselves with an error", len(service.errors), 0),
            *_of_logs(found, sorted(service.folder.glob("worker-*.log"))),
            *_of_artifacts(connection, record, service.home / "artifacts"),
            *_of_wandb(found, record, read_attempts(service.home)),
        ]
    engine.dispose()
    return lines


def _trials(connection: Connection, record: StudyRecord) -> list[Trial]:
    rows = connection.execute(TRIALS, {"study": record.study_id})
    return [
        Trial(
            number=row.number,
            state=row.state,
            attempt=row.attempt,
            lost=row.lost,
            planned=row.planned,
            epochs=tuple(row.epochs),
            steps=tuple(row.steps),
        )
        for row in rows
    ]


def _of_trials(found: Sequence[Trial], asked: int) -> Iterator[Line]:
    states = Counter(trial.state for trial in found)
    finished = sum(states[state] for state in ("COMPLETE", "PRUNED", "FAIL"))
    yield Line("trials asked", len(found), asked)
    yield Line("trials finished (complete, pruned or failed)", finished, asked)
    yield Line("trials lost (neither finished nor queued)", len(found) - finished, 0)
    yield Line("complete, pruned, failed", " + ".join(str(states[s]) for s in ("COMPLETE", "PRUNED", "FAIL")), None)
    yield Line("trials reassigned", sum(trial.attempt for trial in found), None)
    yield Line("of these, workers lost", sum(trial.lost for trial in found), None)
    yield Line("trials failed that did not lose three workers", sum(t.state == "FAIL" and t.lost < 3 for t in found), 0)
    yield Line("trials with a gap in their epochs", sum(not trial.is_whole for trial in found), 0)
    yield Line("epochs recorded", sum(len(trial.epochs) for trial in found), None)


def _of_logs(found: Sequence[Trial], logs: Sequence[Path]) -> Iterator[Line]:
    """A trial's end is said after it was told, so a kill in between leaves no line, and nothing leaves two."""
    said = Counter(int(number) for log in logs for number in ENDED.findall(log.read_text(errors="replace")))
    yield Line("trials done twice", sum(count > 1 for count in said.values()), 0)
    yield Line("trials whose end nobody said, killed between telling and saying", len(found) - len(said), None)
    tracebacks = sum(log.read_text(errors="replace").count("Traceback (most recent call last)") for log in logs)
    yield Line("tracebacks in the workers' logs", tracebacks, 0)


def _of_artifacts(connection: Connection, record: StudyRecord, folder: Path) -> Iterator[Line]:
    recorded = artifact_files(connection, record.study_id)
    files = {path.name for path in folder.iterdir() if path.is_file()}
    study = {"study": record.study_id}
    kept = set(connection.scalars(WEIGHTS_OF, study))
    best = set(connection.scalars(BEST, study | {"keep": record.specification.keep}))
    yield Line("artifacts with a record", len(files & set(recorded)), len(recorded))
    yield Line("artifacts without a record", len(files - set(recorded)), 0)
    yield Line("records without an artifact", len(set(recorded) - files), 0)
    yield Line("checkpoints left", sum(path.is_file() for path in (folder / "checkpoints").rglob("*")), 0)
    yield Line(f"trials of the best {record.specification.keep} with weights", len(kept & best), len(best))
    yield Line("other trials with weights", len(kept - best), 0)


def _of_wandb(
    found: Sequence[Trial], record: StudyRecord, attempts: Mapping[str, Sequence[WrittenRun]]
) -> Iterator[Line]:
    logged = {number: attempts.get(f"{record.uid}-{number}", ()) for number in (trial.number for trial in found)}
    differing = [trial for trial in found if not _agrees(trial, logged[trial.number])]
    silent = [trial for trial in found if trial.epochs and not logged[trial.number]]
    yield Line("wandb run ids", len(attempts), None)  # a trial whose workers were all killed before an epoch has none
    yield Line("trials with an epoch and without a wandb run", len(silent), 0)
    yield Line("wandb run ids of no trial", len(set(attempts) - {f"{record.uid}-{t.number}" for t in found}), 0)
    yield Line("trials whose epochs differ from those of their wandb run", len(differing), 0)
    repeats = [repeat for runs in logged.values() for repeat in _repeats(runs)]
    yield Line("epochs repeated", sum(epochs for epochs, _ in repeats), None)
    yield Line("longest training done again, in seconds", round(max((s for _, s in repeats), default=0), 1), None)
    too_much = sum(epochs > 1 and seconds > MOST_REPEATED_SECONDS for epochs, seconds in repeats)
    yield Line(f"attempts that did more than an epoch and {MOST_REPEATED_SECONDS:g} s again", too_much, 0)


def _agrees(trial: Trial, runs: Sequence[WrittenRun]) -> bool:
    """Whether wandb has every epoch of the database, and of the attempt that ended the trial no other one.

    A worker that lost its trial while the database was away trains on until it hears of that, and so did the last one
    of a trial that lost three.
    """
    epochs = [{_epoch(row) for row in _epochs(run)} for run in runs]
    recorded, logged = set(trial.epochs), set().union(*epochs)
    return recorded <= logged and (trial.state == "FAIL" or not epochs or epochs[-1] <= recorded)


def read_attempts(home: Path) -> Mapping[str, Sequence[WrittenRun]]:
    """What wandb wrote, by run id, the attempts at a trial in their order."""
    attempts = defaultdict(list)
    for path in sorted(home.glob("wandb/offline-run-*/*.wandb")):
        run = read_run(path)
        if run.run_id:  # else wandb was ended before it wrote anything
            attempts[run.run_id].append(run)
    return dict(attempts)


def _repeats(runs: Sequence[WrittenRun]) -> Iterator[tuple[int, float]]:
    """Of each attempt at a trial, how many epochs, and seconds of training, had been done before."""
    done = set[int]()
    for run in runs:
        again = [row for row in _epochs(run) if _epoch(row) in done]
        if again:
            yield len(again), sum(float(row["seconds"]) for row in again)
        done |= {_epoch(row) for row in _epochs(run)}


def _epochs(run: WrittenRun) -> list[dict[str, float]]:
    return [row for row in run.history if "validation_accuracy" in row]


def _epoch(row: Mapping[str, float]) -> int:
    return int(row["epoch"])


def as_json(lines: Sequence[Line]) -> str:
    """For a test that fails: everything at a glance."""
    return json.dumps({line.name: [line.found, line.expected] for line in lines}, indent=2, default=str)
