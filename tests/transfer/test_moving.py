"""Studies that are copied, backed up and restored: everything arrives, or nothing does."""

from __future__ import annotations

import json
import re
import zipfile
from dataclasses import replace
from pathlib import Path

import optuna
import pytest
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import text

from automl.artifacts.checkpoint_names import checkpoint_name
from automl.artifacts.opening import open_artifacts
from automl.artifacts.store import FolderStore
from automl.artifacts.weights import weights_name
from automl.errors import StudyError
from automl.queue.claims import take_waiting
from automl.results.status import read_status
from automl.results.trials import read_trial
from automl.storage.database import Database
from automl.storage.optuna_storage import open_storage
from automl.storage.schema import VERSION
from automl.study.record import StudyRecord, find_study, study_names
from automl.transfer.backups import back_up, restore
from automl.transfer.copying import copy_study, snapshot
from tests.conftest import Bucket
from tests.transfer.conftest import FINISHED, WEIGHTS, rewrite


def frozen(database: Database, name: str) -> list[FrozenTrial]:
    storage = open_storage(database)
    trials = optuna.load_study(study_name=name, storage=storage).get_trials()
    storage.remove_session()
    return trials


def comparable(trial: FrozenTrial) -> tuple[object, ...]:
    return (
        *(trial.number, trial.values, trial.params, trial.distributions, trial.user_attrs, trial.intermediate_values),
        *(trial.datetime_complete, trial.system_attrs.get("fixed_params")),
    )


def assert_same(one: Database, other: Database, name: str, stores: tuple[FolderStore, FolderStore]) -> None:
    """Trials, curves, epochs, notes, budget and files of a study are the same in both."""
    before, after = frozen(one, name), frozen(other, name)
    assert [comparable(trial) for trial in after] == [comparable(trial) for trial in before]
    assert [trial.state for trial in after[:FINISHED]] == [trial.state for trial in before[:FINISHED]]
    assert [trial.state for trial in after[FINISHED:]] == [TrialState.WAITING] * 2
    with one.engine.connect() as here, other.engine.connect() as there:
        record, copied = find_study(here, name), find_study(there, name)
        assert replace(copied, study_id=record.study_id) == record
        assert copied.uid == record.uid
        for number in range(FINISHED):
            mine, other_s = read_trial(here, record, number), read_trial(there, copied, number)
            assert replace(other_s, trial_id=mine.trial_id) == mine
        assert read_status(there, copied).active_seconds == read_status(here, record).active_seconds
        weights = weights_name(there, after[0]._trial_id)
        notes = text("SELECT value_json FROM study_system_attributes WHERE key LIKE 'dashboard:%note%' ORDER BY 1")
        assert there.scalars(notes).all() == here.scalars(notes).all()
        attempt = there.scalar(
            text("SELECT attempt FROM automl_trials WHERE trial_id = :id"), {"id": after[FINISHED]._trial_id}
        )
    assert attempt == 1
    assert weights not in (None, "one")
    with stores[1].reading(str(weights)) as path:
        assert path.read_bytes() == WEIGHTS
    with stores[1].reading(checkpoint_name(record.uid, FINISHED, 0)) as path:
        assert path.read_bytes() == b"half way"


def test_a_copy_is_the_study_with_its_files(
    database: Database, elsewhere: Database, search: StudyRecord, store: FolderStore, tmp_path: Path
) -> None:
    there = FolderStore(tmp_path / "there")
    moved = copy_study(database, search.name, elsewhere, artifacts=store, target_artifacts=there)
    assert (moved.study, moved.trials, moved.interrupted, moved.files, moved.missing) == ("faces", 8, 2, 2, 0)
    assert_same(database, elsewhere, search.name, (store, there))
    claim = None
    with elsewhere.engine.begin() as connection:
        claim = take_waiting(connection, study_id=find_study(connection, "faces").study_id, worker_id=None)
    assert claim is not None
    assert (claim.number, claim.attempt) == (FINISHED, 1)


def test_a_copy_goes_into_a_bucket(
    database: Database, elsewhere: Database, search: StudyRecord, store: FolderStore, bucket: Bucket
) -> None:
    there = open_artifacts(bucket.address, bucket.environment)
    copy_study(database, search.name, elsewhere, artifacts=store, target_artifacts=there)
    assert len(there.names("")) == 2
    assert there.exists(checkpoint_name(search.uid, FINISHED, 0))


def test_a_backup_is_restored_elsewhere_and_again_under_another_name(
    database: Database, elsewhere: Database, search: StudyRecord, store: FolderStore, tmp_path: Path
) -> None:
    file, there = tmp_path / "faces.zip", FolderStore(tmp_path / "there")
    back_up(database, search.name, file, artifacts=store)
    restore(file, elsewhere, name=None, artifacts=there)
    assert_same(database, elsewhere, search.name, (store, there))
    restore(file, elsewhere, name="again", artifacts=there)
    with elsewhere.engine.connect() as connection:
        assert study_names(connection) == ["again", "faces"]
    assert len(there.names("")) == 2  # weights of each, under names of their own


def test_a_taken_name_is_refused_and_nothing_is_left(
    database: Database, elsewhere: Database, search: StudyRecord, store: FolderStore, tmp_path: Path
) -> None:
    there = FolderStore(tmp_path / "there")
    copy_study(database, search.name, elsewhere, artifacts=store, target_artifacts=there)
    before = sorted(there.folder.rglob("*"))
    with pytest.raises(StudyError, match=r"There is a study faces in .* already, and nothing was changed\."):
        copy_study(database, search.name, elsewhere, artifacts=store, target_artifacts=there)
    assert sorted(there.folder.rglob("*")) == before


def test_a_write_that_fails_takes_its_files_away_again(
    database: Database, elsewhere: Database, search: StudyRecord, store: FolderStore, tmp_path: Path
) -> None:
    file, there = tmp_path / "faces.zip", FolderStore(tmp_path / "there")
    document, _ = snapshot(database, search.name, artifacts=store)
    back_up(database, search.name, file, artifacts=store)
    half = [{"opened_at": "2026-01-01T00:00:00+00:00", "command": "half a letter: \ud800"}]  # JSON takes it, no table
    rewrite(file, "study.json", json.dumps(document.study | {"test_openings": half}))
    with pytest.raises(StudyError, match="The study is damaged: invalid input syntax for type json"):
        restore(file, elsewhere, name=None, artifacts=there)
    assert there.names("") == []
    with elsewhere.engine.connect() as connection:
        assert study_names(connection) == []


def test_copies_do_not_share_a_store(
    database: Database, elsewhere: Database, search: StudyRecord, store: FolderStore
) -> None:
    with pytest.raises(StudyError, match=re.escape(f"Original and copy would share {store.address}")):
        copy_study(database, search.name, elsewhere, artifacts=store, target_artifacts=store)


def test_a_backup_is_not_restored_beside_the_original_s_files(
    database: Database, elsewhere: Database, search: StudyRecord, store: FolderStore, tmp_path: Path
) -> None:
    file, link = tmp_path / "faces.zip", tmp_path / "link"
    back_up(database, search.name, file, artifacts=store)
    link.symlink_to(store.folder)
    before = sorted(store.folder.rglob("*"))
    for _ in range(2):  # a running trial's checkpoint is enough, and so are finished trials' weights
        for there in (store, FolderStore(link)):
            with pytest.raises(StudyError, match=re.escape(f"{there.address} has files of another study faces")):
                restore(file, elsewhere, name=None, artifacts=there)
        assert sorted(store.folder.rglob("*")) == before
        store.remove_folder("checkpoints")
        before = sorted(store.folder.rglob("*"))
    assert restore(file, elsewhere, name="again", artifacts=store).files == 2


def test_a_store_that_cannot_be_written_is_not_blamed_on_the_backup(
    database: Database, elsewhere: Database, search: StudyRecord, store: FolderStore, tmp_path: Path
) -> None:
    file, blocked = tmp_path / "faces.zip", tmp_path / "blocked"
    back_up(database, search.name, file, artifacts=store)
    blocked.write_text("a file where the folder should be")
    with pytest.raises(StudyError, match=re.escape(f"The files of faces cannot be written to {blocked}: ")):
        restore(file, elsewhere, name=None, artifacts=FolderStore(blocked))


def test_a_file_that_is_gone_leaves_no_record(
    database: Database, elsewhere: Database, search: StudyRecord, store: FolderStore, tmp_path: Path
) -> None:
    store.remove("one")
    there = FolderStore(tmp_path / "there")
    moved = copy_study(database, search.name, elsewhere, artifacts=store, target_artifacts=there)
    assert (moved.files, moved.missing) == (1, 1)
    with elsewhere.engine.connect() as connection:
        assert weights_name(connection, frozen(elsewhere, "faces")[0]._trial_id) is None


@pytest.mark.parametrize("name", ["../../../src", "-rf", "", "a\x1b[2J", "猫" * 67])
def test_a_name_that_no_study_can_have_comes_in_at_no_door(
    database: Database, elsewhere: Database, search: StudyRecord, store: FolderStore, tmp_path: Path, name: str
) -> None:
    file, there = tmp_path / "faces.zip", FolderStore(tmp_path / "there")
    back_up(database, search.name, file, artifacts=store)
    refusal = re.escape(f"No study can be called {name!r}: ")
    with pytest.raises(StudyError, match=refusal):
        restore(file, elsewhere, name=name, artifacts=there)
    document, _ = snapshot(database, search.name, artifacts=store)
    rewrite(file, "study.json", json.dumps(document.study | {"name": name}))
    with pytest.raises(StudyError, match=refusal):
        restore(file, elsewhere, name=None, artifacts=there)
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE studies SET study_name = :name"), {"name": name})
    with pytest.raises(StudyError, match=refusal):
        copy_study(database, name, elsewhere, artifacts=store, target_artifacts=there)
    assert not there.folder.exists()


def test_what_is_no_backup_is_refused(
    database: Database, search: StudyRecord, store: FolderStore, tmp_path: Path
) -> None:
    file = tmp_path / "faces.zip"
    with pytest.raises(StudyError, match=re.escape(f"There is no file {file}.")):
        restore(file, database, name=None, artifacts=store)
    file.write_bytes(b"GIF89a")
    with pytest.raises(
        StudyError, match=re.escape(f"{file} is no backup of automl: BadZipFile: File is not a zip file")
    ):
        restore(file, database, name=None, artifacts=store)
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("picture.png", b"x")
    with pytest.raises(StudyError, match=re.escape(f"{file} is no backup of automl: KeyError: ")):
        restore(file, database, name=None, artifacts=store)


def test_damage_in_a_backup_is_told(
    database: Database, search: StudyRecord, store: FolderStore, tmp_path: Path
) -> None:
    file = tmp_path / "faces.zip"
    back_up(database, search.name, file, artifacts=store)
    content = bytearray(file.read_bytes())
    with zipfile.ZipFile(file) as archive:
        packed = archive.getinfo("study.json")
    begin = packed.header_offset + 30 + len(packed.filename)
    for at in range(begin, begin + packed.compress_size, 7):
        damaged = content.copy()
        damaged[at] ^= 0xFF
        file.write_bytes(damaged)
        with pytest.raises(StudyError, match=re.escape(f"{file} is damaged: ")):
            restore(file, database, name="again", artifacts=store)


def test_a_backup_writes_nothing_outside_the_store(
    database: Database, elsewhere: Database, search: StudyRecord, store: FolderStore, tmp_path: Path
) -> None:
    file, mine = tmp_path / "faces.zip", tmp_path / "mine.txt"
    mine.write_text("mine")
    back_up(database, search.name, file, artifacts=store)
    document, _ = snapshot(database, search.name, artifacts=store)
    lines = [trial | {"checkpoint": "../../../mine.txt"} for trial in document.trials]
    rewrite(file, "trials.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
    rewrite(file, "checkpoints/../../../mine.txt", "another's")
    with pytest.raises(StudyError, match=re.escape("Trial 0 names a checkpoint '../../../mine.txt'")):
        restore(file, elsewhere, name=None, artifacts=FolderStore(tmp_path / "there"))
    assert mine.read_text() == "mine"


def test_a_backup_of_another_version_is_refused(
    database: Database, search: StudyRecord, store: FolderStore, tmp_path: Path
) -> None:
    file = tmp_path / "faces.zip"
    back_up(database, search.name, file, artifacts=store)
    document, _ = snapshot(database, search.name, artifacts=store)
    rewrite(file, "study.json", json.dumps(document.study | {"format": 2}))
    with pytest.raises(StudyError, match=rf"was written by automl .*, in format 2 with tables of version {VERSION};"):
        restore(file, database, name="again", artifacts=store)
