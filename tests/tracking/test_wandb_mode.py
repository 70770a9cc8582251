import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from automl.errors import SettingsError
from automl.tracking.wandb_mode import choose_mode


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
