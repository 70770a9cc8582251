"""`automl evaluate`: how well an exported model does on a split of some data."""

from __future__ import annotations

import argparse

from automl.cli.arguments import add_json, add_model, add_storage_options, count_from_zero, data_reference
from automl.cli.device_argument import add_device
from automl.cli.output import print_json
from automl.data.split_names import SPLITS
from automl.settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument("file", metavar="MODEL", help="an exported .pt, or wandb:ENTITY/PROJECT/ARTIFACT")
    parser.add_argument("--data", metavar="D", help="name, folder or .zip of labelled images (AUTOML_DATA)")
    parser.add_argument("--split", choices=SPLITS, default="test", help="which part of it (test)")
    parser.add_argument(
        "--split-seed", type=count_from_zero, metavar="N", help="of splits that are cut (the model's own)"
    )
    add_model(parser)
    add_device(parser)
    add_json(parser)
    add_storage_options(parser)


def run(arguments: argparse.Namespace) -> None:
    """Print how well the model does."""
    from automl.application.actions.model_evaluation import (
        evaluate_file,  # torch takes seconds to import, and `--help` does without
    )
    from automl.cli.printing.model_output import print_evaluation

    settings = Settings.read()
    found = evaluate_file(
        arguments.file,
        data_reference(settings, arguments.data),
        arguments.split,
        settings=settings,
        home=settings.home(arguments.home),
        split_seed=arguments.split_seed,
        model=arguments.model,
        device=arguments.device,
    )
    if arguments.json:
        print_json(found.as_dict())
    else:
        print_evaluation(found)
