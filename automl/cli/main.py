"""`automl`: finds the command, loads it alone, turns a user's mistake into one message and exit code 2."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

from automl import __version__
from automl.application.utf8 import check_names, restart_in_utf8
from automl.child_processes import isolated_children
from automl.cli.output import accept_any_output, flush, print_stderr, silence
from automl.cli.parser import CommandParser
from automl.errors import AutomlError

COMMANDS = {
    "search": "search on this machine, from images to the exported model",
    "create": "create a study, or raise its budget; `automl worker` then runs it",
    "status": "where a search stands",
    "studies": "all studies of this storage",
    "show": "one trial, whole; --recipe prints what `automl train` takes",
    "stop": "ask the workers of a study to requeue their trials and end",
    "delete": "delete a study with its trials, weights and checkpoints, and its logs and wandb files here",
    "worker": "pull and run trials of a study until its budget is used",
    "confirm": "train the best recipes again with new seeds, and test whether the first is significantly better",
    "setup": "for a service: tables, roles and the study that the environment names",
    "copy": "copy a study with its artifacts into another database",
    "backup": "write a study with its artifacts into one file",
    "restore": "read a study back from what `automl backup` wrote",
    "best": "the best trial; --export writes its model",
    "evaluate": "how well an exported model does on a split of some data",
    "predict": "classes of images, with probabilities",
    "train": "train one recipe without a search, and repeat a trial exactly",
    "report": "figures and tables of a search, for a browser and for GitHub",
    "inspect": "look at the data: splits, classes, sizes, duplicates, accuracy to beat",
    "space": "how a search space file was understood",
    "dashboard": "optuna-dashboard on this storage and these artifacts",
    "check": "before hours are spent: prove that the space's networks can learn from the data; what a search takes",
}
"""Every command with its line of help; each is a module of `automl.cli.commands`."""


def build_parser(*, loaded: Sequence[str] = tuple(COMMANDS)) -> argparse.ArgumentParser:
    """The parser of every command, with the arguments of those in `loaded`, whose modules are imported for it."""
    parser = CommandParser(
        prog="automl",
        description="Finds the network and the regularization that classify your images best, and exports the model.",
        epilog="Begin with: automl search --data digits --space quick --export model.pt",
    )
    parser.add_argument("--version", action="version", version=f"automl {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, line in COMMANDS.items():
        command = commands.add_parser(name, help=line)
        if name in loaded:
            module = importlib.import_module(f"automl.cli.commands.{name}")
            module.add_arguments(command)
            command.set_defaults(run=module.run)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line; returns the exit code: 0 done, 2 a user's mistake. A bug raises, which exits with 1."""
    if argv is None:
        restart_in_utf8()
    accept_any_output()
    with isolated_children():
        return _run(sys.argv[1:] if argv is None else argv)


def _run(words: Sequence[str]) -> int:
    # The command is the first word: the options before it, --help and --version, take no value.
    named = [word for word in words if not word.startswith("-")][:1]
    try:
        check_names(*words)
        arguments = build_parser(loaded=named).parse_args(words)
        code = int(arguments.run(arguments) or 0)
        flush()
    except AutomlError as error:
        print_stderr(f"automl: {error}")
        return 2
    except KeyboardInterrupt:
        print_stderr("automl: interrupted")
        return 130
    except BrokenPipeError:
        silence()  # the reader (head, less) has seen enough
        return 0
    return code
