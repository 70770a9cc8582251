"""The one place that prints: answers on standard output, messages beside them on standard error.

Everything is safe to show, whatever names it holds. Every command loads this module, so it imports no rich.
"""

from __future__ import annotations

import io
import json
import math
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from automl.errors import SettingsError
from automl.masking import scrub
from automl.sanitize import printable

LISTED = 5
"""Number of values that a message names before it counts the others."""


@contextmanager
def writing() -> Iterator[None]:
    """Turn a full disk behind standard output into a sentence.

    Raises: SettingsError instead of OSError; BrokenPipeError stays, as the reader has seen enough.
    """
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        silence()
        raise SettingsError(f"Cannot write the answer: {error.strerror}. Send it elsewhere.") from error


def silence() -> None:
    """Send standard output nowhere: Python would complain again when it closes the stream."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def flush() -> None:
    """Hand over what is written.

    Raises: as `writing` does.
    """
    with writing():
        sys.stdout.flush()


def accept_any_output() -> None:
    """From now on neither a closed stream nor a character that an encoding lacks ends the command."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed before Python started
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 until the process ends
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def write_line(text: str = "", *, flush: bool = False) -> None:
    """A line of the command's answer, on standard output."""
    with writing():
        print(printable(text), flush=flush)


def print_rows(rows: Mapping[str, str]) -> None:
    """Names and values, one a line, the values aligned."""
    width = max(len(name) for name in rows)
    for name, value in rows.items():
        write_line(f"{name:<{width}}  " + value.replace("\n", "\n" + " " * (width + 2)))


def print_stderr(text: str) -> None:
    """A line for people beside the answer, on standard error; where that cannot be written, the work goes on.

    It shows no password of a URL, also where somebody gave one as the name of a study.
    """
    with suppress(OSError):  # a worker's log on a full disk
        print(printable(scrub(text)), file=sys.stderr, flush=True)


def print_json(document: object) -> None:
    """The one JSON document of a command, in ASCII. JSON has no NaN and no infinity: these are null, and are named."""
    missing: list[str] = []
    answer = _finite(document, "", missing)
    with writing():
        json.dump(answer, sys.stdout, indent=2, default=str, allow_nan=False)
        sys.stdout.write("\n")
    if missing:
        more = f" and {len(missing) - LISTED:,} more" if len(missing) > LISTED else ""
        print_stderr(f"null, as JSON has neither NaN nor infinity: {', '.join(missing[:LISTED])}{more}")


def _finite(value: object, name: str, missing: list[str]) -> object:
    """`value` with None for each number that is not finite; their names are added to `missing`."""
    if isinstance(value, Mapping):
        return {key: _finite(item, f"{name}.{key}".lstrip("."), missing) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item, f"{name}[{index}]", missing) for index, item in enumerate(value)]
    if isinstance(value, float) and not math.isfinite(value):
        missing.append(f"{name} ({value})")
        return None
    return value
