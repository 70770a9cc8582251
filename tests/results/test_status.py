from __future__ import annotations

import json
import os

import pytest
from sqlalchemy import text

from automl.cli.printing.study_output import print_status
from automl.queue.heartbeat import Heartbeat
from automl.results.status import ExportableTrial, StudyStatus, read_status
from automl.storage.database import Database
from tests.studies import MakeStudy


def test_worker_is_listed_while_it_lives_with_the_keys_that_scripts_read(
    database: Database, make_study: MakeStudy
) -> None:
    record = make_study()

    def workers() -> object:
        with database.engine.connect() as connection:
            return read_status(connection, record).as_dict()["workers"]

    with Heartbeat(database.engine, study_id=record.study_id, device="cpu", warn=print):
        host = os.uname().nodename
        assert workers() == [{"ordinal": 0, "host": host, "pid": os.getpid(), "device": "cpu"}]
    assert workers() == []


def test_time_phase_and_what_left_nothing_are_told(database: Database, make_study: MakeStudy) -> None:
    record = make_study(trials=None, seconds=600.0, final_share=0.25)
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE automl_studies SET active_seconds = 500"))
        for number, (state, seconds) in enumerate([("COMPLETE", 60), ("FAIL", 10), ("PRUNED", 20), ("WAITING", 10)]):
            trial_id = connection.scalar(
                text(
                    "INSERT INTO trials (number, study_id, state) VALUES (:number, :study, CAST(:state AS trialstate))"
                    " RETURNING trial_id"
                ),
                {"number": number, "study": record.study_id, "state": state},
            )
            connection.execute(
                text("INSERT INTO automl_trials (trial_id, seconds) VALUES (:trial, :seconds)"),
                {"trial": trial_id, "seconds": seconds},
            )
    with database.engine.connect() as connection:
        status = read_status(connection, record)
    assert (status.lost_seconds, status.device_seconds, status.lost_share) == (
        40,
        100,
        0.4,
    )  # the pruned one has no epoch
    document = json.loads(json.dumps(status.as_dict()))
    assert (document["phase"], document["lost_share"], document["exportable"]) == ("final training", 0.4, None)
    assert document["phases"] == [
        {"name": "first models", "from": 0.0, "until": 20.0},
        {"name": "search", "from": 20.0, "until": 450.0},
        {"name": "final training", "from": 450.0, "until": 600.0},
    ]


def test_status_prints_phase_split_and_the_share_that_left_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    status = StudyStatus(
        study="signs",
        metric="accuracy",
        budget_trials=None,
        budget_seconds=600.0,
        trial_seconds=None,
        active_seconds=30.0,
        device_seconds=3600.0,
        stop_requested=False,
        complete=0,
        pruned=0,
        failed=0,
        failures={},
        waiting=0,
        running=(),
        workers=(),
        best=None,
        lost_seconds=36.0,
        final_share=1 / 3,
        exportable=ExportableTrial(0, 0.81, 3, is_complete=False),
    )
    print_status(status)
    rows = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert rows["phase"] == "search"
    assert rows["split"].startswith("10:00 in all: about 20 s first models, search until 6:40, final training until")
    assert rows["devices"] == "1.00 hours on trials, 1.0% of it left nothing"
    assert rows["export"] == "trial 0, not complete yet: validation accuracy 0.8100 at epoch 3 so far"
