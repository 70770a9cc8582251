"""Paths in settings, with what a shell would have put in; homes that are not there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from automl.errors import SettingsError
from automl.settings import Settings, expand_home
from automl.tracking.wandb_runs import process_environment

FOLDERS = ("AUTOML_HOME", "AUTOML_ARTIFACTS", "AUTOML_SHARED")


@pytest.mark.parametrize("name", [*FOLDERS, "AUTOML_DATA", "AUTOML_SPACE"])
def test_variables_and_the_home_folder_in_dotenv_mean_what_they_mean_in_a_shell(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    for written in ("$HOME/x", "${HOME}/x", "~/x"):
        (tmp_path / ".env").write_text(f"{name}={written}\n")
        assert Settings.read(folder=tmp_path).values[name] == "/home/me/x"
    (tmp_path / ".env").write_text(f"ROOM=/data\n{name}=$ROOM/x\n")
    assert Settings.read(folder=tmp_path).values[name] == "/data/x"


def test_foreign_variables_of_dotenv_reach_no_child_process(tmp_path: Path) -> None:
    ours = {"AUTOML_THREADS": "2", "WANDB_API_KEY": "k", "AWS_PROFILE": "p", "PGPASSFILE": "f"}
    foreign = {"LD_PRELOAD": "x.so", "PYTHONPATH": "x", "PATH": "x", "HOME": "x", "_WANDB_CORE_PATH": "x", "PG": "x"}
    (tmp_path / ".env").write_text("".join(f"{name}={value}\n" for name, value in (ours | foreign).items()))
    values = Settings.read({"PATH": "/bin", "HOME": "/home/me"}, folder=tmp_path).values
    assert values == {**ours, "PATH": "/bin", "HOME": "/home/me"}
    child = process_environment(values, cache=tmp_path, online=False)
    assert child["WANDB_API_KEY"] == "k"
    assert not (foreign.keys() - {"PATH", "HOME"}) & child.keys()


@pytest.mark.parametrize("name", FOLDERS)
def test_folder_named_by_a_variable_that_is_not_there_is_refused(name: str, tmp_path: Path) -> None:
    sentence = f"{name} is '$HOEM/x', and there is no variable HOEM. Set it, or write the whole path."
    with pytest.raises(SettingsError, match=re.escape(sentence)):
        Settings.read({name: "$HOEM/x"}, folder=tmp_path)


@pytest.mark.parametrize("value", ["photos$2020", "prices in $", "100$HOEM", "s3://bucket/prefix"])
def test_other_signs_stay_as_they_are(value: str, tmp_path: Path) -> None:
    assert Settings.read({"AUTOML_DATA": value}, folder=tmp_path).values["AUTOML_DATA"] == value


def test_home_folder_of_a_user_without_any_is_refused(no_home: None) -> None:
    sentence = "'~/x' begins with ~, and this user has no home folder. Set HOME, or write the whole path."
    with pytest.raises(SettingsError, match=re.escape(sentence)):
        Settings({}).home("~/x")
    assert Settings({}).home("/x") == Path("/x")


def test_tilde_that_names_no_user_is_a_name(no_home: None) -> None:
    assert expand_home("~nobody-of-this-name/x") == Path("~nobody-of-this-name/x")
