"""`automl train`: trains one recipe without a search, and repeats a trial exactly."""

from __future__ import annotations

import argparse
import dataclasses

from automl.cli.arguments import (
    add_json,
    add_model,
    add_sizing_options,
    add_storage_options,
    data_reference,
)
from automl.cli.device_argument import add_device
from automl.cli.output import print_json, print_stderr, write_line
from automl.cli.printing.export_output import print_exported
from automl.export.formats import check_format
from automl.settings import Settings, expand_home


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument(
        "recipe", type=expand_home, metavar="RECIPE.yaml", help="as `automl show TRIAL --recipe` prints it"
    )
    parser.add_argument("--data", metavar="D", help="name, folder or .zip of labelled images (AUTOML_DATA)")
    parser.add_argument(
        "--export", type=expand_home, metavar="FILE", help="write the model; the ending picks the format"
    )
    add_sizing_options(parser, instead="as the recipe says")
    add_model(parser)
    add_device(parser)
    add_json(parser)
    add_storage_options(parser)


def run(arguments: argparse.Namespace) -> None:
    """Train one recipe, a line an epoch."""
    from automl.export.single_run import (  # torch takes seconds to import, and `--help` does without
        read_recipe_file,
        train_recipe,
    )

    if arguments.export is not None:
        check_format(arguments.export)

    settings = Settings.read()
    sizing = {name: getattr(arguments, name) for name in ("image_size", "fit") if hasattr(arguments, name)}
    result = train_recipe(
        dataclasses.replace(read_recipe_file(arguments.recipe), **sizing),
        data_reference(settings, arguments.data),
        home=settings.home(arguments.home),
        export=arguments.export,
        device=arguments.device,
        model=arguments.model,
        log=print_stderr,
    )
    if arguments.json:
        print_json(result.as_dict())
        return
    write_line(f"Best epoch {result.best.epoch}: validation {result.metric} {result.value:.4f}")
    if result.exported is not None:
        print_exported(result.exported)
