from __future__ import annotations

from pathlib import Path

from automl.application.local_workers import open_log


def test_two_searches_of_a_study_keep_two_logs_and_the_next_one_begins_anew(tmp_path: Path) -> None:
    first, second = open_log(tmp_path, 0), open_log(tmp_path, 0)
    for log, word in ((first, b"first"), (second, b"second")):
        log.file.write(word)
        log.file.flush()
    assert [log.path.name for log in (first, second)] == ["worker-0.log", "worker-0-2.log"]
    assert [log.path.read_text() for log in (first, second)] == ["first", "second"]
    assert first.path.stat().st_mode & 0o077 == 0
    first.file.close()
    with open_log(tmp_path, 0).file as third:
        assert third.name
        assert first.path.read_text() == ""
    second.file.close()
