"""Bugs that end one trial after another: a worker stops at the third, instead of spending the budget on them.

What counts is what ended last on this machine, in whatever process: so a worker that is started again, by hand or by
Docker, stops at the first trial if nothing has changed, and other machines are left in peace.
"""

from __future__ import annotations

import re
import socket

from sqlalchemy import text
from sqlalchemy.engine import Connection

from automl.storage.sql_facts import IS_FINISHED

BUG = "bug"
IN_A_ROW = 3
EXCEPTION = re.compile(r"^Traceback \(most recent call last\):\n(?:[ \t].*\n)+(\S.*)", re.M)
LAST_ENDED = text(
    f"""
    SELECT failure, reason FROM trials JOIN automl_trials USING (trial_id) JOIN automl_workers USING (worker_id)
    WHERE trials.study_id = :study AND {IS_FINISHED} AND split_part(host, '/', 1) = :machine
    ORDER BY datetime_complete DESC, number DESC LIMIT :count
    """
)


def is_same_bug_again(connection: Connection, study_id: int) -> bool:
    """Whether the last IN_A_ROW trials that ended on this machine were all ended by one bug."""
    rows = connection.execute(LAST_ENDED, {"study": study_id, "machine": socket.gethostname(), "count": IN_A_ROW}).all()
    bugs = {signature(row.reason) if row.failure == BUG else None for row in rows}
    return len(rows) == IN_A_ROW and len(bugs) == 1 and None not in bugs


def signature(traceback_text: str) -> tuple[str, str]:
    """Where an exception was raised and its class: its message may describe this trial's shapes and numbers."""
    frames = re.findall(r'^ *File "(.+)", line (\d+)', traceback_text, re.M)
    return ":".join(frames[-1]) if frames else "", cause(traceback_text).partition(":")[0]


def cause(reason: str) -> str:
    """The line of a reason that says what happened: of a traceback, class and first line of the message, else the last.

    CUDA's messages, for one, end with lines of advice.
    """
    said: list[str] = EXCEPTION.findall(reason)
    return said[-1] if said else reason.strip().splitlines()[-1]
