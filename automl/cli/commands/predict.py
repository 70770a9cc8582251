"""`automl predict`: classes of images, with probabilities."""

from __future__ import annotations

import argparse

from automl.cli.arguments import add_model
from automl.cli.device_argument import add_device
from automl.cli.output import print_json
from automl.settings import expand_home


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument("file", type=expand_home, metavar="MODEL", help="an exported .pt")
    parser.add_argument("images", nargs="+", metavar="IMAGE", help="image files, folders, globs, zips")
    add_model(parser)
    add_device(parser)
    output = parser.add_mutually_exclusive_group()
    output.add_argument("--json", action="store_true", help="print one JSON document and nothing else")
    output.add_argument("--csv", action="store_true", help="print CSV: a row an image, a column a class")


def run(arguments: argparse.Namespace) -> None:
    """Print a class and its probability for each image."""
    from automl.cli.printing.model_output import print_image_notes, print_prediction_csv, print_predictions
    from automl.export.model_file import load_model  # torch takes seconds to import, and `--help` does without
    from automl.export.prediction.image_files import find_images
    from automl.export.prediction.predicting import predict_files

    model = load_model(arguments.file, device=arguments.device, model=arguments.model)
    found = predict_files(model, find_images(arguments.images))
    print_image_notes(found, model)
    if arguments.json:
        print_json([{"image": name, **prediction.as_dict()} for name, prediction in found.predictions.items()])
    elif arguments.csv:
        print_prediction_csv(found.predictions, model.classes)
    else:
        print_predictions(found.predictions)
