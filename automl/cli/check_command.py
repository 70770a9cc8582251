"""`automl check`: prove that the networks of a space can learn from these data, and say what a search will take."""

from __future__ import annotations

import argparse
from typing import Any

from automl.application.planning import add_planning_options
from automl.cli.options import add_json, add_storage_options, whole_number


def add_commands(commands: Any) -> None:
    """`automl check`."""
    parser = commands.add_parser(
        "check",
        help="before hours are spent: prove that the space's networks can learn from the data; what a search takes",
    )
    add_planning_options(parser)
    parser.add_argument("--workers", type=whole_number, metavar="K", help="processes (one a GPU, or by the cores)")
    parser.add_argument("--device", default="auto", metavar="D", help="auto, cpu, cuda or cuda:1 (auto)")
    add_json(parser)
    add_storage_options(parser)
    parser.set_defaults(run=run, study=None)


def run(arguments: argparse.Namespace) -> None:
    """Look at everything, print what was found, and fail if something is wrong."""
    from automl.cli.checking import check  # torch and Optuna take seconds to import

    check(arguments)
