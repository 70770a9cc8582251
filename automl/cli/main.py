"""`automl`: finds the command, runs it, turns a user's mistake into one message and exit code 2."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from automl import __version__
from automl.cli import (
    check_command,
    confirm_command,
    data_commands,
    inspect_command,
    model_commands,
    moving_commands,
    report_command,
    search_command,
    service_command,
    study_commands,
    worker_command,
)
from automl.cli.terminal import accept_any_output, flush, silence, tell
from automl.errors import AutomlError

GROUPS = (
    search_command,
    study_commands,
    worker_command,
    confirm_command,
    service_command,
    moving_commands,
    model_commands,
    report_command,
    inspect_command,
    data_commands,
    check_command,
)


def build_parser() -> argparse.ArgumentParser:
    """The parser of every command; each leaves its function in `run`."""
    parser = argparse.ArgumentParser(
        prog="automl",
        description="Finds the network and the regularization that classify your images best; hands over the model.",
        epilog="Begin with: automl search --data digits --space quick --export model.pt",
    )
    parser.add_argument("--version", action="version", version=f"automl {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for group in GROUPS:
        group.add_commands(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line; returns the exit code: 0 done, 2 a user's mistake. A bug raises, which exits with 1."""
    accept_any_output()
    arguments = build_parser().parse_args(argv)
    try:
        code = int(arguments.run(arguments) or 0)
        flush()
    except AutomlError as error:
        tell(f"automl: {error}")
        return 2
    except KeyboardInterrupt:
        tell("automl: interrupted")
        return 130
    except BrokenPipeError:
        silence()  # the reader (head, less) has seen enough
        return 0
    return code
