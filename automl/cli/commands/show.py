"""`automl show`: one trial, whole."""

from __future__ import annotations

import argparse
import sys

from automl.cli.arguments import add_json, add_storage_options, add_study_name, count_from_zero, open_command_context
from automl.cli.output import print_json
from automl.cli.printing.recipe_text import recipe_document, recipe_yaml
from automl.cli.printing.trial_tables import print_trial
from automl.confirmation.confirmed import choose_best
from automl.errors import StudyError
from automl.results.trials import read_trial


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument("trial", metavar="TRIAL", help="its number, or: best")
    add_study_name(parser)
    parser.add_argument("--recipe", action="store_true", help="print its recipe as YAML")
    add_json(parser)
    add_storage_options(parser)


def run(arguments: argparse.Namespace) -> None:
    """Print one trial, or its recipe."""
    with open_command_context(arguments) as context:
        record = context.find_study(arguments.study)
        with context.database.engine.connect() as connection:
            if arguments.trial == "best":
                choice = choose_best(connection, record)
                record, trial = choice.record, choice.trial
            else:
                trial = read_trial(connection, record, _number(arguments.trial))
    if arguments.recipe and arguments.json:
        print_json(recipe_document(record, trial))
    elif arguments.recipe:
        sys.stdout.write(recipe_yaml(record, trial))
    elif arguments.json:
        print_json(trial.as_dict())
    else:
        print_trial(record, trial)


def _number(text: str) -> int:
    try:
        return count_from_zero(text)
    except argparse.ArgumentTypeError as error:
        raise StudyError(f"{error}, nor the word best: TRIAL is the number that `automl status` shows.") from error
