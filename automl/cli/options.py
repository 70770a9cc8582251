"""Options that several commands share, and what they open."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from automl.search.database import Database, open_database
from automl.search.study import StudyRecord, find_study
from automl.settings import Settings

UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def whole_number(text: str) -> int:
    """Argparse type: a whole number of at least 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


def count_from_zero(text: str) -> int:
    """Argparse type: a whole number of at least 0."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 0")
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
    group.add_argument("--artifacts", metavar="DIR", help="folder of weights (AUTOML_ARTIFACTS, artifacts in the home)")


def add_study_name(parser: argparse.ArgumentParser) -> None:
    """The study a command is about."""
    parser.add_argument("study", nargs="?", metavar="NAME", help="study (AUTOML_STUDY, else the newest)")


def add_json(parser: argparse.ArgumentParser) -> None:
    """--json."""
    parser.add_argument("--json", action="store_true", help="print one JSON document and nothing else")


@dataclass(frozen=True)
class Place:
    """Where a command works: its settings, its folders, its open database."""

    settings: Settings
    home: Path
    artifacts: Path
    database: Database

    def record(self, name: str | None) -> StudyRecord:
        """The study that a command line means.

        Raises: StudyError if there is none.
        """
        with self.database.engine.connect() as connection:
            return find_study(connection, self.settings.get("AUTOML_STUDY", name))


@contextmanager
def opened_place(arguments: argparse.Namespace) -> Iterator[Place]:
    """The place that flags, environment and `.env` describe, for the duration of the block."""
    settings = Settings.read()
    home = settings.home(arguments.home)
    artifacts = settings.artifacts(arguments.artifacts, home=home)
    with open_database(settings.get("AUTOML_STORAGE", arguments.storage), home=home) as database:
        yield Place(settings, home, artifacts, database)


def print_json(document: object) -> None:
    """The one JSON document of a command."""
    json.dump(document, sys.stdout, indent=2, default=str)
    sys.stdout.write("\n")


def tell(message: str) -> None:
    """A line for people: never mixed with the answer on standard output."""
    print(message, file=sys.stderr, flush=True)
