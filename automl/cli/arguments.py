"""Types of arguments, options that several commands share, and the context that they open."""

from __future__ import annotations

import argparse
import math
from contextlib import AbstractContextManager

from automl.application.command_context import CommandContext, open_context
from automl.cli.output import print_stderr
from automl.data.sizing import FITS, LARGEST_SIDE, SMALLEST_SIDE
from automl.errors import SettingsError
from automl.settings import LARGEST_COUNT, MOST_DIGITS, Settings, read_duration
from automl.storage.retry import OutageRetry

LARGEST_PORT = 2**16 - 1


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


def share(text: str) -> float:
    """Argparse type: a share, from 0 to below 1."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to below 1")
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
    seconds = read_duration(text)
    if seconds is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time above 0, such as 600, 90s, 10m or 1.5h")
    return seconds


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


def add_model(parser: argparse.ArgumentParser) -> None:
    """--model of a trained network."""
    parser.add_argument(
        "--model", metavar="PACKAGE.MODULE:BUILD", help="the network of your own that was searched with"
    )


def add_consent(parser: argparse.ArgumentParser) -> None:
    """--model and --space of a study that moved here."""
    parser.add_argument(
        "--model",
        metavar="PACKAGE.MODULE:BUILD",
        help="let a study that moved here import this network, which it names",
    )
    parser.add_argument(
        "--space",
        metavar="PACKAGE.MODULE:FUNCTION",
        help="let a study that moved here import this space, which it names",
    )


def add_data_location(parser: argparse.ArgumentParser) -> None:
    """--data of a study that exists."""
    parser.add_argument("--data", metavar="D", help="where the study's data lie on this machine, if elsewhere")


def data_reference(settings: Settings, flag: str | None) -> str:
    """The data that a flag or AUTOML_DATA names.

    Raises: SettingsError if neither does.
    """
    reference = settings.get("AUTOML_DATA", flag)
    if reference is None:
        raise SettingsError(
            "Which data? Give --data (or AUTOML_DATA): a folder or a .zip of labelled images, or: digits"
        )
    return reference


def open_command_context(
    arguments: argparse.Namespace, *, may_join_service: bool = True, retry: OutageRetry | None = None
) -> AbstractContextManager[CommandContext]:
    """The context that the storage options of a command line describe, as `open_context` opens it."""
    return open_context(
        storage=arguments.storage,
        home=arguments.home,
        artifacts=arguments.artifacts,
        log=print_stderr,
        may_join_service=may_join_service,
        retry=retry,
    )
