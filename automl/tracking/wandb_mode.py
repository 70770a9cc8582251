"""Whether wandb uploads: found out as wandb itself looks for a key, without importing wandb."""

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
"""What WANDB_MODE takes, wandb's two old words included."""
PUBLIC_SERVER = "https://api.wandb.ai"


def choose_mode(environment: Mapping[str, str]) -> Mode:
    """WANDB_MODE, else the mode that `wandb online` and `wandb offline` store, else online where a key is there.

    Raises: SettingsError if the mode is none of wandb's.
    """
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
    """What wandb stores for the user, and over it what it stores for a folder, as `wandb offline` does."""
    config_folder = Path(environment.get("WANDB_CONFIG_DIR") or _home(environment) / ".config/wandb").expanduser()
    root = Path(environment.get("WANDB_DIR") or Path.cwd()).expanduser()
    workspace = root / (".wandb" if (root / ".wandb").exists() else "wandb")
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read((config_folder / "settings", workspace / "settings"))
    except (configparser.Error, OSError) as error:
        raise SettingsError(f"wandb's settings cannot be read: {error}. Repair the file, or set WANDB_MODE.") from error
    return parser["default"] if parser.has_section("default") else {}


def _has_key(environment: Mapping[str, str], server: str) -> bool:
    if environment.get("WANDB_API_KEY") or environment.get("WANDB_IDENTITY_TOKEN_FILE"):
        return True
    given = environment.get("NETRC")
    candidates = [Path(given).expanduser()] if given else [_home(environment) / name for name in (".netrc", "_netrc")]
    return any(_lists(path, urlsplit(server).netloc) for path in candidates if path.exists())


def _lists(netrc_path: Path, host: str) -> bool:
    try:
        return netrc.netrc(str(netrc_path)).authenticators(host) is not None
    except (netrc.NetrcParseError, OSError):
        return False  # the file is other programs' too, and wandb takes no key from one that it cannot read


def _home(environment: Mapping[str, str]) -> Path:
    return Path(environment.get("HOME") or Path.home())
