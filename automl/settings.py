"""Settings: a flag first, then the environment, then `.env` in the current folder, then the default."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dotenv import dotenv_values

from automl.errors import SettingsError
from automl.masking import HIDDEN, mask, mask_keys, scrub, unquoted

LARGEST_COUNT = 2**31 - 1
"""Largest count: the largest integer of PostgreSQL, and about the largest seed of numpy."""
MOST_DIGITS = 20
"""Number of digits of a count: Python refuses to read thousands."""
LEAST_GRACE_SECONDS = 5
"""Shortest grace time, in seconds. A worker that lives sends a heartbeat every 2 s."""


@dataclass(frozen=True)
class Setting:
    """One environment variable that the command line reads."""

    name: str
    doc: str
    default: str | None = None


SETTINGS = {
    setting.name: setting
    for setting in (
        Setting("AUTOML_STORAGE", "PostgreSQL URL of the studies; left out: an embedded PostgreSQL in AUTOML_HOME"),
        Setting("AUTOML_STUDY", "name of the study; left out: the newest one"),
        Setting("AUTOML_DATA", "data set: a name, a folder or a file"),
        Setting("AUTOML_SPACE", "search space: auto, a shipped name or a YAML file", "auto"),
        Setting("AUTOML_TRIALS", "finished trials in all", "30"),
        Setting("AUTOML_TIMEOUT", "time of search in all: 600, 90s, 10m, 2h; left out: no limit"),
        Setting("AUTOML_METRIC", "what decides: accuracy, macro_f1, balanced_accuracy or loss", "accuracy"),
        Setting("AUTOML_HOME", "folder of the embedded PostgreSQL, the artifacts and the caches", ".automl"),
        Setting(
            "AUTOML_ARTIFACTS",
            "weights and checkpoints: a folder or s3://BUCKET/PREFIX; left out: in AUTOML_HOME",
        ),
        Setting("AUTOML_WORKERS_PER_GPU", "how many workers share a GPU; those without a slot wait", "1"),
        Setting("AUTOML_OUTAGE_SECONDS", "how long a worker waits for a database that does not answer", "600"),
        Setting(
            "AUTOML_GRACE_SECONDS", "without a sign of life for so long, a worker is lost and its trial goes on", "60"
        ),
        Setting("AUTOML_HUNG_SECONDS", "without a batch for so long, a training hangs and its trial fails", "900"),
        Setting("AUTOML_PASSWORD", "of the service's PostgreSQL", "automl"),
        Setting("AUTOML_POSTGRES_PORT", "of the service's PostgreSQL on this machine", "54320"),
        Setting("AUTOML_SHARED", "folder on this machine that the service keeps its artifacts in", "./artifacts"),
        Setting("AUTOML_DASHBOARD_PASSWORD", "of the role that `automl setup` makes for the dashboard; left out: none"),
        Setting("AUTOML_DASHBOARD_HOSTS", "names the dashboard answers to, beside localhost and addresses: NAME,NAME"),
        Setting("AUTOML_COMMAND", "how messages call this command line", "automl"),
    )
}
ADDRESSES = ("AUTOML_STORAGE", "AUTOML_ARTIFACTS")
"""Settings that may be URLs."""

FROM_DOTENV = re.compile(r"(?:AUTOML|WANDB|AWS)_\w+|PG[A-Z]\w*")
"""Variables that count in `.env`: it may be somebody else's, and child processes get what counts."""
WRITTEN = ("AUTOML_HOME", "AUTOML_ARTIFACTS", "AUTOML_SHARED")
"""Paths that are made where they are not there."""
PATHS = (*WRITTEN, "AUTOML_DATA", "AUTOML_SPACE")
DURATION = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,15})?)\s*([smhd]?)")
UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
"""Seconds of each unit."""
VARIABLE = re.compile(r"\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)\})")


@dataclass(frozen=True)
class Settings:
    """What the environment and `.env` say, before any flag."""

    values: Mapping[str, str] = field(repr=False)
    """By name; empty strings count as left out."""

    @classmethod
    def read(cls, environment: Mapping[str, str] | None = None, *, folder: Path | None = None) -> Settings:
        """Settings of the environment, completed by `.env` in `folder` (the current one if None).

        In those that are paths, `$NAME` and `~` mean what they mean in a shell. Of `.env` stay our variables, and those
        of wandb, AWS and PostgreSQL. Others serve as `$NAME` alone.

        Raises: SettingsError if `.env` is there and cannot be read, or a path names a variable that there is not.
        """
        dotenv = _dotenv((folder or Path.cwd()) / ".env")
        written = {name: value for name, value in dotenv.items() if value}
        given = {name: value for name, value in (os.environ if environment is None else environment).items() if value}
        merged = written | given
        kept = {name: value for name, value in written.items() if FROM_DOTENV.fullmatch(name)} | given
        return cls(kept | {name: _expanded(name, merged) for name in PATHS if name in merged})

    def get(self, name: str, flag: str | None = None) -> str | None:
        """The flag, else the setting, else its default; an address without the quotes and blanks around it."""
        found = flag or self.values.get(name) or SETTINGS[name].default
        return (unquoted(found) or None) if found and name in ADDRESSES else found

    def home(self, flag: str | None = None) -> Path:
        """Absolute folder of everything that stays on this machine.

        Raises: SettingsError as `expand_home` does.
        """
        return expand_home(str(self.get("AUTOML_HOME", flag))).absolute()

    def artifacts(self, flag: str | None = None, *, home: Path) -> str:
        """Where weights and checkpoints lie: a folder or an address in S3."""
        return self.get("AUTOML_ARTIFACTS", flag) or str(home / "artifacts")

    def whole_number(self, name: str, flag: int | None = None, *, least: int = 1) -> int:
        """A setting that counts something.

        Raises: SettingsError if it is not a whole number from `least` to LARGEST_COUNT.
        """
        given = str(flag) if flag is not None else self.get(name)
        if given is None or not given.strip().isdecimal() or len(given) > MOST_DIGITS or int(given) < least:
            raise SettingsError(f"{name} is {given!r}: it takes a whole number of at least {least}.")
        if int(given) > LARGEST_COUNT:
            raise SettingsError(f"{name} is {given}: it takes at most {LARGEST_COUNT:,}.")
        return int(given)

    def seconds(self, name: str) -> float | None:
        """A setting that is a time; None: left out.

        Raises: SettingsError if it is no time above 0.
        """
        given = self.values.get(name)
        found = None if given is None else read_duration(given)
        if given is not None and found is None:
            raise SettingsError(f"{name} is {given!r}: it takes a time above 0, such as 600, 90s, 10m or 1.5h.")
        return found

    def grace_seconds(self) -> int:
        """Silence after which a worker is lost.

        Raises: SettingsError if it is shorter than a few heartbeats.
        """
        return self.whole_number("AUTOML_GRACE_SECONDS", least=LEAST_GRACE_SECONDS)

    def __repr__(self) -> str:
        shown = {name: _shown(name, value) for name, value in self.values.items() if name in SETTINGS}
        return f"Settings({shown})"


def read_duration(text: str) -> float | None:
    """Seconds of a number, or of a number with s, m, h or d behind it; None if it is no time above 0."""
    match = DURATION.fullmatch(text.strip())
    return float(match[1]) * UNITS[match[2]] or None if match else None


def _shown(name: str, value: str) -> str:
    if name.endswith("PASSWORD"):
        return HIDDEN
    return mask(value) if name == "AUTOML_STORAGE" else mask_keys(value) if name in ADDRESSES else scrub(value)


def _dotenv(path: Path) -> Mapping[str, str | None]:
    """What the file says; nothing where there is none, or a pipe, which might never end."""
    try:
        return dotenv_values(path, interpolate=False) if path.is_file() else {}
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise SettingsError(f"{path} cannot be read: {reason}. It holds lines of NAME=value in UTF-8.") from error


def expand_home(text: str) -> Path:
    """`text` as a path, with the home folder for a `~` at its beginning; `~name` without such a user stays as it is.

    Raises: SettingsError for `~` where there is no home folder.
    """
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        if Path(text).parts[0] != "~":
            return Path(text)
        raise SettingsError(
            f"{text!r} begins with ~, and this user has no home folder. Set HOME, or write the whole path."
        ) from error


def _expanded(name: str, values: Mapping[str, str]) -> str:
    text = values[name]
    unknown = [variable for variable in map("".join, VARIABLE.findall(text)) if variable not in values]
    if unknown and name in WRITTEN:
        raise SettingsError(
            f"{name} is {text!r}, and there is no variable {unknown[0]}. Set it, or write the whole path."
        )
    text = VARIABLE.sub(lambda found: values.get(found[1] or found[2], found[0]), text)
    return str(expand_home(text)) if text.startswith("~") else text
