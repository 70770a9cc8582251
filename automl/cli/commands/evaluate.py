"""`automl evaluate`: how well an exported model does on a split of some data."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from automl.cli.arguments import add_device, add_json, add_model, add_storage_options, count_from_zero, data_reference
from automl.cli.output import print_json
from automl.data.pixel_range import SIXTEEN_BITS
from automl.data.split_names import SPLITS
from automl.settings import Settings
from automl.tracking.wandb_models import PREFIX, fetch_model


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
    from automl.cli.model_output import print_evaluation  # torch takes seconds to import
    from automl.data.loading import load_data_set
    from automl.export.model_file import load_model
    from automl.export.test_evaluation import evaluate as evaluate_model

    settings = Settings.read()
    home = settings.home(arguments.home)
    with _on_disk(arguments.file, settings) as file:
        model = load_model(file, device=arguments.device, model=arguments.model)
    seed = model.card.provenance.split_seed if arguments.split_seed is None else arguments.split_seed
    data = load_data_set(
        data_reference(settings, arguments.data),
        home=home,
        splits=(arguments.split,),
        split_seed=seed,
        sizing=model.card.sizing,
        pixel_range=model.card.pixel_range or SIXTEEN_BITS,
    )
    answer = evaluate_model(model, data, arguments.split)
    if arguments.json:
        print_json(answer.as_dict())
    else:
        print_evaluation(answer)


@contextmanager
def _on_disk(file: str, settings: Settings) -> Iterator[Path]:
    """The model's file, which may have to be fetched from wandb first."""
    if not file.startswith(PREFIX):
        yield Path(file)
        return
    with tempfile.TemporaryDirectory(prefix="automl-") as folder:
        yield fetch_model(file, Path(folder), environment=settings.values)
