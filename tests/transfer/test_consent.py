"""A study that moved here imports no code on its own word: at no door, and not behind another study's name."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from automl.artifacts.store import FolderStore
from automl.cli.main import main
from automl.errors import StudyError
from automl.report.winner import evaluate_on_test
from automl.results.best import best_trial
from automl.storage.database import Database
from automl.study.consent import check_consent, give_consent, trusted_model
from automl.study.creation import create_or_continue
from automl.study.granting import Budget
from automl.study.record import StudyRecord, find_study
from automl.transfer.backups import back_up, restore
from automl.transfer.copying import copy_study, snapshot
from benchmarks.seeding import seed_trials
from tests.studies import MakeStudy
from tests.transfer.conftest import rewrite

MODEL, SPACE = "booby_trap:build", "booby_trap:sample"
REFUSED = "automl: Study again came from a backup or another database, and asks to import booby_trap:build"
Run = Callable[..., int]


@pytest.fixture
def backup(database: Database, make_study: MakeStudy, store: FolderStore, tmp_path: Path) -> Path:
    """A search with a network and a space of its author's own, who says in it that they may be imported."""
    record = make_study(model=MODEL, trials=20)
    seed_trials(database, record, trials=3)
    file = tmp_path / "faces.zip"
    back_up(database, record.name, file, artifacts=store)
    study = snapshot(database, record.name, artifacts=store)[0].study
    assert study["user_attributes"]["automl:consent"] == [MODEL]
    study["user_attributes"]["automl:specification"]["space"]["function"] = SPACE
    study["user_attributes"]["automl:consent"] = [MODEL, SPACE]
    rewrite(file, "study.json", json.dumps(study))
    return file


@pytest.fixture
def again(backup: Path, database: Database, store: FolderStore) -> StudyRecord:
    """That study, restored."""
    moved = restore(backup, database, name="again", artifacts=store)
    assert moved.describe().endswith(f"automl worker again --model {MODEL} --space {SPACE}")
    return stored(database, "again")


@pytest.fixture
def run(postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command line in this process, in a folder with a module that does not want to be imported."""
    (tmp_path / "booby_trap.py").write_text("open('sprung', 'w').close()\nbuild = sample = print\n")
    monkeypatch.chdir(tmp_path)

    def command(*words: str) -> int:
        monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
        return main([*words, "--storage", postgres_url, "--home", str(tmp_path / "home")])

    return command


def stored(database: Database, name: str) -> StudyRecord:
    with database.engine.connect() as connection:
        return find_study(connection, name)


@pytest.mark.parametrize(
    "command", ["worker again", "confirm again --workers 0", "best again --export model.pt", "worker again --space x:y"]
)
def test_no_command_imports_code_of_a_restored_study(
    again: StudyRecord, run: Run, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*command.split()) == 2
    said = capsys.readouterr().err
    if "x:y" in command:
        assert said.startswith(f"automl: Study again has --space {SPACE}, and x:y was given.")
    else:
        assert said.startswith(REFUSED)
        assert f"If you trust it, repeat the command with --model {MODEL}" in said
    assert not Path("sprung").exists()


def test_a_report_of_a_restored_study_does_without_its_network(
    again: StudyRecord, run: Run, database: Database, store: FolderStore, tmp_path: Path
) -> None:
    with database.engine.connect() as connection:
        trial = best_trial(connection, again)
    found = evaluate_on_test(database, again, trial, home=tmp_path, artifacts=store, data=None)
    assert any("asks to import booby_trap:build" in sentence for sentence in found.missing)
    assert not Path("sprung").exists()


def test_consent_is_given_once_by_name(again: StudyRecord, database: Database) -> None:
    with database.engine.begin() as connection:
        half = give_consent(connection, again, model=MODEL, space=None)
    assert trusted_model(half) == MODEL
    with pytest.raises(StudyError, match=f"asks to import {SPACE}: code is not in a study"):
        check_consent(half)
    with database.engine.begin() as connection:
        give_consent(connection, half, model=None, space=SPACE)
    check_consent(stored(database, "again"))
    assert stored(database, "faces").consented == {MODEL}


def test_repeating_the_search_lets_it_import_what_the_search_names(again: StudyRecord, database: Database) -> None:
    record = create_or_continue(database, "again", again.specification, Budget())
    check_consent(record)


def test_consent_does_not_travel_with_a_copy(
    backup: Path, database: Database, elsewhere: Database, store: FolderStore, tmp_path: Path
) -> None:
    there = FolderStore(tmp_path / "there")
    copy_study(database, "faces", elsewhere, artifacts=store, target_artifacts=there)
    with pytest.raises(StudyError, match="Study faces came from a backup or another database"):
        trusted_model(stored(elsewhere, "faces"))
    moved = restore(backup, elsewhere, name="trusted", artifacts=there, model=MODEL, space=SPACE)
    assert moved.untrusted == ""
    check_consent(stored(elsewhere, "trusted"))
    with pytest.raises(StudyError, match="Study third has --model booby_trap:build, and other:build was given"):
        restore(backup, elsewhere, name="third", artifacts=there, model="other:build")


def test_a_space_that_is_called_auto_is_not_taken_from_a_restored_study(
    again: StudyRecord, run: Run, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    """A study of the same data whose space says that it is automl's own, and is a function."""
    create = ("--data", "digits", "--space", "auto", "--trials", "1", "--model", "torch.nn:Identity")
    assert run("create", "mine", *create) == 0
    mine = stored(database, "mine").specification
    space = dataclasses.replace(mine.space, function=SPACE)
    create_or_continue(database, "trap", dataclasses.replace(mine, space=space), Budget(trials=1))
    assert run("create", "trap", *create) == 2
    assert "Study trap exists and differs" in capsys.readouterr().err
