"""Whether wandb uploads. Keys are looked up as wandb does it, without importing wandb."""

from __future__ import annotations

import configparser
import netrc
from collections.abc import Mapping
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from automl.errors import SettingsError

Mode = Literal["online", "offline", "disabled"]

MODES: dict[str, Mode] = {
    "online": "online",
    "offline": "offline",
    "disabled": "disabled",
    "run": "online",
    "dryrun": "offline",
}
"""Modes by the values of WANDB_MODE, with wandb's two old ones."""
TRUE = ("1", "true", "t", "yes", "y", "on")
"""True values of WANDB_DISABLED, by which Hugging Face's tools know that wandb is not wanted."""
PUBLIC_SERVER = "https://api.wandb.ai"


def choose_mode(environment: Mapping[str, str]) -> Mode:
    """Disabled where WANDB_DISABLED says so; else WANDB_MODE, else what `wandb online` and `wandb offline` store.

    Where none of them is set, online if there is a key.

    Raises: SettingsError if the mode is none of wandb's.
    """
    if environment.get("WANDB_DISABLED", "").strip().lower() in TRUE:
        return "disabled"
    stored = _stored_settings(environment)
    asked = environment.get("WANDB_MODE") or stored.get("mode")
    if asked:
        return _known(asked)
    return "online" if has_key(environment) else "offline"


def has_key(environment: Mapping[str, str]) -> bool:
    """Whether wandb would find a key for its server."""
    server = environment.get("WANDB_BASE_URL") or _stored_settings(environment).get("base_url") or PUBLIC_SERVER
    return _has_key(environment, server)


def _known(mode: str) -> Mode:
    if mode not in MODES:
        raise SettingsError(f"WANDB_MODE is {mode!r}: it takes online, offline or disabled.")
    return MODES[mode]


def _stored_settings(environment: Mapping[str, str]) -> Mapping[str, str]:
    """Read wandb's settings of the user, overridden by those of the folder, which `wandb offline` writes."""
    config_folder = _expanded(environment, environment.get("WANDB_CONFIG_DIR") or "~/.config/wandb")
    root = _expanded(environment, environment.get("WANDB_DIR") or str(Path.cwd()))
    files = [config_folder / "settings"] if config_folder else []
    if root is not None:
        files.append(root / (".wandb" if (root / ".wandb").exists() else "wandb") / "settings")
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read(files, encoding="utf-8")
    except (configparser.Error, OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"wandb's settings cannot be read: {error}. Repair the file, or set WANDB_MODE.") from error
    return parser["default"] if parser.has_section("default") else {}


def _has_key(environment: Mapping[str, str], server: str) -> bool:
    if environment.get("WANDB_API_KEY") or environment.get("WANDB_IDENTITY_TOKEN_FILE"):
        return True
    given = environment.get("NETRC")
    candidates = [_expanded(environment, path) for path in ([given] if given else ["~/.netrc", "~/_netrc"])]
    return any(_lists(path, urlsplit(server).netloc) for path in candidates if path is not None)


def _lists(netrc_path: Path, host: str) -> bool:
    try:
        return netrc.netrc(str(netrc_path)).authenticators(host) is not None
    except (netrc.NetrcParseError, OSError, ValueError, KeyError):  # KeyError: its owner has no name here
        return False  # the file is other programs' too, and wandb takes no key from one that it cannot read


def has_home(environment: Mapping[str, str]) -> bool:
    """Whether there is a home folder, without which wandb does not start."""
    return _expanded(environment, "~") is not None


def _expanded(environment: Mapping[str, str], path: str) -> Path | None:
    """The path with the home folder for its `~`; None where there is no such home, as in a container's bare user."""
    home = environment.get("HOME")
    if home and (path == "~" or path.startswith("~/")):
        return Path(home, path[2:])
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return None
