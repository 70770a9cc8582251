"""Options that several commands share, and what they open."""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from automl.artifacts.store import ArtifactStore, open_artifacts
from automl.cli.service_address import COMPOSE_FILE, running_service
from automl.cli.terminal import tell
from automl.data.dataset import FITS, LARGEST_SIDE, SMALLEST_SIDE
from automl.settings import LARGEST_COUNT, MOST_DIGITS, Settings, mask
from automl.storage.database import Database, Patience, open_database
from automl.study.study import StudyRecord, find_study

LARGEST_PORT = 2**16 - 1
STILL_PARTS = 3
"""A worker that stands still keeps its locks for a third of the grace time, so that others are heard within it."""
UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def whole_number(text: str) -> int:
    """Argparse type: a whole number of at least 1."""
    return _counted(text, least=1)


def count_from_zero(text: str) -> int:
    """Argparse type: a whole number of at least 0."""
    return _counted(text, least=0)


def port(text: str) -> int:
    """Argparse type: a TCP port; 0 is any free one."""
    if not text.isdecimal() or len(text) > MOST_DIGITS or int(text) > LARGEST_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port from 0 to {LARGEST_PORT}")
    return int(text)


def _counted(text: str, *, least: int) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least {least}")
    if len(text) > MOST_DIGITS or int(text) > LARGEST_COUNT:
        raise argparse.ArgumentTypeError(f"{text[:MOST_DIGITS]!r} is above {LARGEST_COUNT:,}")
    if int(text) < least:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least {least}")
    return int(text)


def positive_number(text: str) -> float:
    """Argparse type: a number above 0."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return value


def image_size(text: str) -> int | None:
    """Argparse type: auto (None), or pixels of both sides."""
    if text == "auto":
        return None
    if not text.isdecimal() or not SMALLEST_SIDE <= int(text) <= LARGEST_SIDE:
        raise argparse.ArgumentTypeError(
            f"{text!r} is neither auto nor a whole number from {SMALLEST_SIDE} to {LARGEST_SIDE}"
        )
    return int(text)


def duration(text: str) -> float:
    """Argparse type: seconds, or a number with s, m, h or d; above 0."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhd]?)", text.strip())
    if match is None or float(match[1]) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time above 0, such as 600, 90s, 10m or 1.5h")
    return float(match[1]) * UNITS[match[2]]


def add_storage_options(parser: argparse.ArgumentParser) -> None:
    """--storage, --home, --artifacts."""
    group = parser.add_argument_group("where everything is kept")
    group.add_argument("--storage", metavar="URL", help="PostgreSQL URL (AUTOML_STORAGE); left out: embedded")
    group.add_argument("--home", metavar="DIR", help="folder of database, artifacts and caches (AUTOML_HOME, .automl)")
    group.add_argument("--artifacts", metavar="DIR", help="folder of weights, or s3://BUCKET/PREFIX (AUTOML_ARTIFACTS)")


def add_study_name(parser: argparse.ArgumentParser) -> None:
    """The study a command is about."""
    parser.add_argument("study", nargs="?", metavar="NAME", help="study (AUTOML_STUDY, else the newest)")


def add_sizing_options(parser: argparse.ArgumentParser, *, instead: str | None = None) -> None:
    """--image-size, --fit; with `instead`, what decides where a flag is left out: no default is set then."""
    parser.add_argument(
        "--image-size",
        type=image_size,
        metavar="auto|N",
        default=argparse.SUPPRESS if instead else None,
        help=f"N × N pixels, or the images' median size ({instead or 'auto'})",
    )
    parser.add_argument(
        "--fit",
        choices=FITS,
        default=argparse.SUPPRESS if instead else "crop",
        help=f"how images of another aspect come to that size ({instead or 'crop'})",
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """--json."""
    parser.add_argument("--json", action="store_true", help="print one JSON document and nothing else")


@dataclass(frozen=True)
class Place:
    """Where a command works: its settings, its folders, its open database."""

    settings: Settings
    home: Path
    artifacts: ArtifactStore
    database: Database

    def record(self, name: str | None) -> StudyRecord:
        """The study that a command line means.

        Raises: StudyError if there is none.
        """
        with self.database.engine.connect() as connection:
            return find_study(connection, self.settings.get("AUTOML_STUDY", name))


@contextmanager
def opened_place(
    arguments: argparse.Namespace,
    *,
    may_join_service: bool = True,
    patience: Patience | None = None,
) -> Iterator[Place]:
    """The place that flags, environment and `.env` describe, for the duration of the block.

    Where they name no storage, nor a home that has one, it is the service of docker compose that runs from this
    folder; `may_join_service=False` never looks for one. `patience` is a worker's, as `open_database` takes it.
    """
    settings = Settings.read()
    home = settings.home(arguments.home)
    artifacts = settings.artifacts(arguments.artifacts, home=home)
    storage = settings.get("AUTOML_STORAGE", arguments.storage)
    has_embedded, is_home_named = (home / "postgres").exists(), arguments.home or "AUTOML_HOME" in settings.values
    if storage is None and may_join_service and not (has_embedded and is_home_named):
        service = running_service(settings, folder=Path.cwd())
        if service is not None:
            storage = service.storage
            if not (arguments.artifacts or "AUTOML_ARTIFACTS" in settings.values):
                artifacts = str(service.artifacts)
            tell(f"storage {mask(storage)}, the service of {COMPOSE_FILE}; artifacts {artifacts}")
            if has_embedded:
                tell(f"        {home} has studies of its own: name it with --home to see them")
    still_seconds = None if patience is None else settings.grace_seconds() / STILL_PARTS
    with open_database(storage, home=home, patience=patience, still_seconds=still_seconds) as database:
        yield Place(settings, home, open_artifacts(artifacts, settings.values), database)
