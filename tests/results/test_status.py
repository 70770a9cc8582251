from __future__ import annotations

import os

from automl.queue.heartbeat import Heartbeat
from automl.results.status import read_status
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
