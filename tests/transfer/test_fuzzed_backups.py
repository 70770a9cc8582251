"""Backups that were changed at random: `restore` ends with 0 or 2, and what it restored can be shown.

`FUZZED_BACKUPS=2000 pytest tests/transfer/test_fuzzed_backups.py` tries as many; `FUZZED_SEED` begins elsewhere.
"""

from __future__ import annotations

import json
import math
import os
import random
import resource
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from automl.artifacts.store import FolderStore
from automl.cli.main import main
from automl.errors import AutomlError
from automl.report.composing import compose
from automl.report.facts import read_facts
from automl.report.importance import read_importances
from automl.results.note_writing import write_missing_trial_notes, write_study_note
from automl.storage.database import Database
from automl.study.record import StudyRecord, find_study
from automl.transfer.backups import back_up

COUNT = int(os.environ.get("FUZZED_BACKUPS", "20"))
SEED = int(os.environ.get("FUZZED_SEED", "0"))
MOST_BYTES = 3 * 2**29
"""Memory that a command may take more than this process has already: 1.5 GiB."""
DEEP = "[" * 100_000 + "]" * 100_000
VALUES: tuple[Any, ...] = (
    *(None, True, 0, -1, 3, 2**40, 10**400, 0.5, 1e308, math.nan, math.inf, -math.inf),
    *("", "x", "猫", "\x00", "\ud800", "\x1b[2J", "../../x", "-rf", "os:abort", "NaN", "9999-12-31T23:59:59+00:00"),
    *([], {}, [[]], {"a": {}}, [None] * 1000, "x" * 100_000, {"": 0}),
)
Dice = random.Random


@pytest.fixture
def backup(database: Database, search: StudyRecord, store: FolderStore, tmp_path: Path) -> Path:
    """A sound one."""
    file = tmp_path / "sound.zip"
    back_up(database, search.name, file, artifacts=store)
    return file


@contextmanager
def limited_memory() -> Iterator[None]:
    """This process cannot take much more memory."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + MOST_BYTES, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def flipped(dice: Dice, content: bytes) -> bytes:
    """Some bytes changed, cut out, doubled or cut off."""
    changed = bytearray(content)
    for _ in range(dice.randint(1, 8)):
        at = dice.randrange(len(changed))
        span = dice.randint(1, 40)
        kind = dice.randrange(4)
        changed[at : at + (0 if kind == 1 else span if kind == 2 else 1)] = dice.randbytes(span if kind == 1 else 1)
        if kind == 3 and dice.random() < 0.2:
            del changed[max(at, 1) :]
    return bytes(changed)


def places(document: Any) -> Iterator[tuple[Any, Any]]:
    """Every part of a document: what holds it, and its key there."""
    for key in list(document) if isinstance(document, dict) else range(len(document)):
        yield document, key
        if isinstance(document[key], dict | list):
            yield from places(document[key])


def changed_document(dice: Dice, document: Any) -> Any:
    """Some of its parts are something else, gone, or another part."""
    for _ in range(dice.choice((1, 1, 1, 2, 5))):
        found = list(places(document))
        if not found:
            break
        holder, key = dice.choice(found)
        other, other_key = dice.choice(found)
        kind = dice.randrange(5)
        if kind == 0:
            del holder[key]
        elif kind == 1:
            holder[key] = json.loads(json.dumps(other[other_key]))
        elif kind == 2 and isinstance(holder[key], int | float) and not isinstance(holder[key], bool):
            holder[key] = dice.choice((-holder[key], holder[key] + 1, holder[key] * 10**9, float(holder[key])))
        else:
            holder[key] = dice.choice(VALUES)
    return document


def mutated(dice: Dice, sound: Path, file: Path) -> None:
    """Write a backup that is somewhat like the sound one."""
    kind = dice.randrange(10)
    if kind < 3:
        file.write_bytes(flipped(dice, sound.read_bytes()))
        return
    with zipfile.ZipFile(sound) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    if kind == 3:
        del parts[dice.choice(list(parts))]
    elif kind == 4:
        parts[dice.choice(list(parts))] = dice.choice(("", "[]", "{}", "null", DEEP, "7", "\n\n", '{"a":')).encode()
    elif kind < 7:
        parts["study.json"] = json.dumps(changed_document(dice, json.loads(parts["study.json"]))).encode()
    else:
        trials = [json.loads(line) for line in parts["trials.jsonl"].splitlines()]
        index = dice.randrange(len(trials))
        trials[index] = changed_document(dice, trials[index])
        parts["trials.jsonl"] = "".join(json.dumps(trial) + "\n" for trial in trials).encode()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


def shown(database: Database, name: str, command: Callable[..., int]) -> None:
    """Look at a restored study as commands do, and as the next worker does before its first trial."""
    for words in (("status", name), ("show", "best", name), ("show", "0", name), ("show", "6", name, "--json")):
        assert command(*words) in (0, 2), words
    assert command("studies", "--json") == 0
    with database.engine.begin() as connection:
        record = find_study(connection, name)
        write_missing_trial_notes(connection, record)
        write_study_note(connection, record)
        try:
            facts = read_facts(connection, record)
        except AutomlError:  # no trial is finished
            return
    if "FUZZED_BACKUPS" in os.environ:  # it takes seconds of a core
        compose(facts, evaluation=None, accesses=(), importances=read_importances(database, record))


def test_changed_backups_end_in_a_sentence_or_a_study(
    database: Database, postgres_url: str, backup: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def command(*words: str) -> int:
        with limited_memory():
            return main(
                [*words, "--storage", postgres_url, "--home", str(tmp_path), "--artifacts", str(tmp_path / "a")]
            )

    file, ends = tmp_path / "changed.zip", []
    for number in range(SEED, SEED + COUNT):
        mutated(random.Random(number), backup, file)
        try:
            ends.append(command("restore", str(file), "--study", f"study {number}"))
            if ends[-1] == 0:
                shown(database, f"study {number}", command)
        except Exception as error:
            error.add_note(f"FUZZED_SEED={number} FUZZED_BACKUPS=1")
            raise
        assert ends[-1] in (0, 2), number
    assert {0, 2} <= set(ends)  # both are tried
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("part", "unit"), [("study.json", b"[],"), ("trials.jsonl", b'{"aaa":0},'), ("artifacts/one", b" ")]
)
def test_a_small_file_that_announces_gigabytes_is_refused_in_little_memory(
    postgres_url: str, backup: Path, tmp_path: Path, part: str, unit: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    with zipfile.ZipFile(backup) as archive:
        parts = {name: archive.read(name) for name in archive.namelist() if name != part}
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
        with archive.open(part, "w") as file:
            for _ in range(60):
                file.write(b"[" * (unit == b"[],") + unit * (2**20 // len(unit)))
    assert (tmp_path / "bomb.zip").stat().st_size < 2**20
    with limited_memory():
        assert main(["restore", str(tmp_path / "bomb.zip"), "--study", "x", "--storage", postgres_url]) == 2
    assert "automl: " in capsys.readouterr().err
