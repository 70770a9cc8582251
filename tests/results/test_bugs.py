from __future__ import annotations

import socket
from collections.abc import Sequence

import pytest
from sqlalchemy import text

from automl.results.bugs import cause, is_same_bug_again, signature
from automl.storage.database import Database
from tests.studies import MakeStudy

TRACEBACK = """Traceback (most recent call last):
  File "/home/me/loop.py", line 12, in run
    step()
  File "/home/me/networks.py", line {line}, in forward
    return a @ b
RuntimeError: mat1 and mat2 shapes cannot be multiplied (32x{width} and 128x10)
"""
SAME = [("bug", TRACEBACK.format(line=7, width=width)) for width in (8, 16, 32)]
OTHER = ("bug", TRACEBACK.format(line=9, width=8))
HERE, ELSEWHERE = f"{socket.gethostname()}/boot/7", "elsewhere/boot/7"


def test_signature_is_where_it_happened_and_not_with_what_numbers() -> None:
    assert signature(SAME[0][1]) == ("/home/me/networks.py:7", "RuntimeError")
    assert len({signature(reason) for _, reason in SAME}) == 1
    assert signature("Killed") == ("", "Killed")


def test_cause_is_class_and_first_line_of_the_last_exception_whatever_lines_follow() -> None:
    message = "torch.AcceleratorError: CUDA error: an illegal memory access was encountered"
    advice = "Search for `cudaErrorIllegalAddress' for more.\nFor debugging: consider CUDA_LAUNCH_BLOCKING=1"
    frames = 'Traceback (most recent call last):\n  File "/home/me/loop.py", line 12, in run\n    step()\n'
    earlier = f"{frames}KeyError: 7\n\nDuring handling of the above exception, another exception occurred:\n\n"
    assert cause(f"{earlier}{frames}{message}\n{advice}\n\n") == message
    assert signature(f"{frames}{message}\n{advice}\n") == ("/home/me/loop.py:12", "torch.AcceleratorError")
    assert cause("it reached the limit.\nInterrupted in epoch 3.") == "Interrupted in epoch 3."


@pytest.mark.parametrize(
    ("ended", "host", "expected"),
    [
        (SAME, HERE, True),
        (SAME[:2], HERE, False),
        ([*SAME[:2], (None, None)], HERE, False),
        ([(None, None), *SAME], HERE, True),
        ([*SAME[:2], OTHER], HERE, False),
        ([("diverged", "The loss became nan.")] * 3, HERE, False),
        (SAME, ELSEWHERE, False),
    ],
    ids=["three", "two", "one went well", "went well before", "another bug", "no bug", "on another machine"],
)
def test_same_bug_in_a_row_is_found(
    database: Database,
    make_study: MakeStudy,
    ended: Sequence[tuple[str | None, str | None]],
    host: str,
    expected: bool,
) -> None:
    record = make_study()
    with database.engine.begin() as connection:
        worker = connection.scalar(
            text(
                "INSERT INTO automl_workers (study_id, ordinal, host, pid, device)"
                " VALUES (:study, 0, :host, 1, 'cpu') RETURNING worker_id"
            ),
            {"study": record.study_id, "host": host},
        )
        for number, (failure, reason) in enumerate(ended):
            connection.execute(
                text(
                    """
                    WITH ended AS (INSERT INTO trials (study_id, number, state, datetime_complete) VALUES (
                        :study, :number, CAST(:state AS trialstate), now() + make_interval(secs => :number))
                        RETURNING trial_id)
                    INSERT INTO automl_trials (trial_id, worker_id, failure, reason)
                    SELECT trial_id, :worker, :failure, :reason FROM ended
                    """
                ),
                {
                    "study": record.study_id,
                    "number": number,
                    "state": "FAIL" if failure else "COMPLETE",
                    "worker": worker,
                    "failure": failure,
                    "reason": reason,
                },
            )
        assert is_same_bug_again(connection, record.study_id) is expected
