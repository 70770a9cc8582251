import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from automl.errors import SettingsError
from automl.tracking.wandb_mode import choose_mode
from automl.tracking.wandb_runs import process_environment


def home(folder: Path, **files: str) -> dict[str, str]:
    """An environment with nothing but this home folder, which is the current one as well."""
    for name, content in files.items():
        path = folder / PLACES[name]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return {"HOME": str(folder), "WANDB_DIR": str(folder)}


PLACES = {"netrc": ".netrc", "settings": ".config/wandb/settings", "of_folder": "wandb/settings"}
NETRC = "machine api.wandb.ai login user password secret"


def test_without_a_key_it_is_offline(tmp_path: Path) -> None:
    assert choose_mode(home(tmp_path)) == "offline"


@pytest.mark.parametrize("name", ["WANDB_API_KEY", "WANDB_IDENTITY_TOKEN_FILE"])
def test_key_in_the_environment_makes_it_online(tmp_path: Path, name: str) -> None:
    assert choose_mode(home(tmp_path) | {name: "x"}) == "online"
    assert choose_mode(home(tmp_path) | {name: ""}) == "offline"


def test_key_of_wandb_login_makes_it_online(tmp_path: Path) -> None:
    assert choose_mode(home(tmp_path, netrc=NETRC)) == "online"


def test_key_in_a_netrc_file_elsewhere_makes_it_online(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text(NETRC)
    assert choose_mode(home(tmp_path) | {"NETRC": str(tmp_path / "keys")}) == "online"


def test_key_of_another_server_does_not_count(tmp_path: Path) -> None:
    environment = home(tmp_path, netrc=NETRC)
    assert choose_mode(environment | {"WANDB_BASE_URL": "https://wandb.example.org"}) == "offline"
    assert choose_mode(home(tmp_path, settings="[default]\nbase_url = https://wandb.example.org\n")) == "offline"


def test_unreadable_netrc_counts_as_no_key(tmp_path: Path) -> None:
    assert choose_mode(home(tmp_path, netrc="machine without end login")) == "offline"


@pytest.mark.parametrize(
    ("asked", "mode"),
    [("online", "online"), ("offline", "offline"), ("disabled", "disabled"), ("dryrun", "offline"), ("run", "online")],
)
def test_wandb_mode_decides(tmp_path: Path, asked: str, mode: str) -> None:
    assert choose_mode(home(tmp_path, netrc=NETRC) | {"WANDB_MODE": asked}) == mode


def test_mode_stored_by_wandb_offline_is_honoured(tmp_path: Path) -> None:
    environment = home(tmp_path, netrc=NETRC, settings="[default]\nmode = offline\n")
    assert choose_mode(environment) == "offline"
    assert choose_mode(environment | {"WANDB_MODE": "online"}) == "online"


def test_mode_of_the_folder_goes_before_that_of_the_user(tmp_path: Path) -> None:
    files = {"settings": "[default]\nmode = offline\n", "of_folder": "[default]\nmode = disabled\n"}
    assert choose_mode(home(tmp_path, netrc=NETRC, **files)) == "disabled"


def test_command_that_turns_uploads_off_is_heeded(tmp_path: Path) -> None:
    environment = home(tmp_path, netrc=NETRC)
    command = [sys.executable, "-m", "wandb", "offline"]
    subprocess.run(command, env={**os.environ, **environment}, cwd=tmp_path, check=True)
    assert choose_mode(environment) == "offline"


def test_unknown_mode_is_refused(tmp_path: Path) -> None:
    sentence = "WANDB_MODE is 'of': it takes online, offline or disabled."
    with pytest.raises(SettingsError, match=re.escape(sentence)):
        choose_mode(home(tmp_path) | {"WANDB_MODE": "of"})


def test_damaged_settings_are_named(tmp_path: Path) -> None:
    environment = home(tmp_path, settings="mode = offline\n")
    with pytest.raises(SettingsError, match=re.escape(f"{tmp_path}/.config/wandb/settings")):
        choose_mode(environment)


@pytest.mark.parametrize("value", ["true", "True", "1", "yes", "on"])
def test_wandb_disabled_turns_it_off_whatever_else_is_set(tmp_path: Path, value: str) -> None:
    environment = home(tmp_path, netrc=NETRC) | {"WANDB_API_KEY": "x", "WANDB_DISABLED": value}
    assert choose_mode(environment) == "disabled"
    assert choose_mode(environment | {"WANDB_MODE": "online"}) == "disabled"


@pytest.mark.parametrize("value", ["", "false", "0", "no"])
def test_wandb_that_is_not_disabled_goes_online_with_a_key(tmp_path: Path, value: str) -> None:
    assert choose_mode(home(tmp_path) | {"WANDB_API_KEY": "x", "WANDB_DISABLED": value}) == "online"


def test_user_without_a_home_has_no_key_in_files(tmp_path: Path, no_home: None) -> None:
    environment = {"WANDB_DIR": str(tmp_path)}
    assert choose_mode(environment) == "offline"
    assert choose_mode(environment | {"NETRC": "~/keys", "WANDB_CONFIG_DIR": "~/wandb"}) == "offline"
    assert choose_mode(environment | {"WANDB_API_KEY": "x"}) == "online"
    assert choose_mode(environment | {"WANDB_MODE": "disabled"}) == "disabled"


def test_process_of_wandb_has_a_home_where_the_user_has_none(tmp_path: Path, no_home: None) -> None:
    """Without one, wandb does not start."""
    assert process_environment({}, cache=tmp_path, online=False)["HOME"] == str(tmp_path)
    assert process_environment({"HOME": "/home/me"}, cache=tmp_path, online=False)["HOME"] == "/home/me"
