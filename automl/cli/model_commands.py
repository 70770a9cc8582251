"""Commands about models: best, evaluate, predict, train."""

from __future__ import annotations

import argparse
import dataclasses
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy.engine import Connection

from automl.cli.answers import print_best, print_exported
from automl.cli.confirm_answers import print_choice
from automl.cli.options import (
    Place,
    add_json,
    add_sizing_options,
    add_storage_options,
    add_study_name,
    count_from_zero,
    opened_place,
    whole_number,
)
from automl.cli.terminal import print_json, tell, write_line
from automl.confirmation.confirmed import Choice, choose_best
from automl.data.dataset import SPLITS
from automl.errors import SettingsError
from automl.export.export_result import Exported
from automl.export.formats import check_format
from automl.results.calibrated import read_calibrated
from automl.results.results import read_trial
from automl.settings import Settings
from automl.study.study import StudyRecord
from automl.tracking.wandb_models import PREFIX, fetch_model


def add_commands(commands: Any) -> None:
    """Every command of this module."""
    _add_best(commands)
    _add_evaluate(commands)
    _add_predict(commands)
    _add_train(commands)


def _add_best(commands: Any) -> None:
    parser = commands.add_parser("best", help="the best trial; --export writes its model")
    add_study_name(parser)
    parser.add_argument("--trial", type=count_from_zero, metavar="N", help="this trial instead of the best")
    parser.add_argument("--export", type=Path, metavar="FILE", help="write the model; the ending picks the format")
    parser.add_argument(
        "--top", type=whole_number, metavar="N", help="export those of the best N trials that do best together, as one"
    )
    parser.add_argument(
        "--tta", action="store_true", help="export a model that averages each image with its mirror image"
    )
    parser.add_argument("--data", metavar="D", help="where the study's data lie on this machine, if elsewhere")
    add_json(parser)
    add_storage_options(parser)
    parser.set_defaults(run=best)


def _add_evaluate(commands: Any) -> None:
    parser = commands.add_parser("evaluate", help="how well an exported model does on a split of some data")
    parser.add_argument("file", metavar="MODEL", help="an exported .pt, or wandb:ENTITY/PROJECT/ARTIFACT")
    parser.add_argument("--data", metavar="D", help="name, folder or .zip of labelled images (AUTOML_DATA)")
    parser.add_argument("--split", choices=SPLITS, default="test", help="which part of it (test)")
    parser.add_argument(
        "--split-seed", type=count_from_zero, metavar="N", help="of splits that are cut (the model's own)"
    )
    _add_model_and_device(parser)
    add_json(parser)
    add_storage_options(parser)
    parser.set_defaults(run=evaluate)


def _add_predict(commands: Any) -> None:
    parser = commands.add_parser("predict", help="classes of images, with probabilities")
    parser.add_argument("file", type=Path, metavar="MODEL", help="an exported .pt")
    parser.add_argument("images", nargs="+", metavar="IMAGE", help="image files, folders, globs, zips")
    _add_model_and_device(parser)
    output = parser.add_mutually_exclusive_group()
    output.add_argument("--json", action="store_true", help="print one JSON document and nothing else")
    output.add_argument("--csv", action="store_true", help="print CSV: a row an image, a column a class")
    parser.set_defaults(run=predict)


def _add_train(commands: Any) -> None:
    parser = commands.add_parser("train", help="train one recipe without a search, and repeat a trial exactly")
    parser.add_argument("recipe", type=Path, metavar="RECIPE.yaml", help="as `automl show TRIAL --recipe` prints it")
    parser.add_argument("--data", metavar="D", help="name, folder or .zip of labelled images (AUTOML_DATA)")
    parser.add_argument("--export", type=Path, metavar="FILE", help="write the model; the ending picks the format")
    add_sizing_options(parser, instead="as the recipe says")
    _add_model_and_device(parser)
    add_json(parser)
    add_storage_options(parser)
    parser.set_defaults(run=train)


def _add_model_and_device(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--model", metavar="PACKAGE.MODULE:BUILD", help="the network of your own that was searched with"
    )
    parser.add_argument("--device", default="auto", metavar="D", help="auto, cpu, cuda or cuda:1 (auto)")


def best(arguments: argparse.Namespace) -> None:
    """Print the best trial as it is stored; with --export also write and test its model."""
    _check_wishes(arguments)
    with opened_place(arguments) as place:
        record = place.record(arguments.study)
        with place.database.engine.connect() as connection:
            choice = _chosen(connection, record, arguments.trial)
            trial = choice.trial
            calibrated = read_calibrated(connection, trial.trial_id)
        exported = None
        if arguments.export is not None:
            exported = _export(arguments, place, record, choice)
    if arguments.json:
        answer = {"metric": record.specification.metric, **trial.as_dict()}
        answer["calibrated"] = calibrated.as_dict() if calibrated else None
        answer["confirmed_by"] = choice.confirmation.as_dict() if choice.confirmation else None
        print_json(answer | {"export": exported.as_dict() if exported else None})
        return
    print_best(trial.study, record.specification.metric, trial, calibrated, model=record.specification.model)
    print_choice(choice)
    if exported is not None:
        print_exported(exported)


def _chosen(connection: Connection, record: StudyRecord, number: int | None) -> Choice:
    if number is None:
        return choose_best(connection, record)
    return Choice(record, read_trial(connection, record, number), None)


def _check_wishes(arguments: argparse.Namespace) -> None:
    if arguments.export is None and (arguments.top is not None or arguments.tta):
        raise SettingsError("--top and --tta say what is exported. Give --export FILE too, or leave them out.")
    if arguments.top is not None and arguments.trial is not None:
        raise SettingsError("--top chooses among the best trials, and --trial names one. Give only one of them.")
    if arguments.export is not None:
        check_format(arguments.export)


def _export(arguments: argparse.Namespace, place: Place, record: StudyRecord, choice: Choice) -> Exported:
    from automl.export.ensemble import choose_ensemble  # torch takes seconds to import
    from automl.export.trial_model import export_ensemble, export_trial

    export = {"home": place.home, "data": arguments.data, "tta": arguments.tta, "command": "best --export"}
    if arguments.top is None:
        return export_trial(
            place.database, choice.record, choice.trial, arguments.export, artifacts=place.artifacts, **export
        )
    ensemble = choose_ensemble(place.database, record, top=arguments.top, tta=arguments.tta, artifacts=place.artifacts)
    return export_ensemble(place.database, record, ensemble, arguments.export, **export)


def evaluate(arguments: argparse.Namespace) -> None:
    """Print how well the model does."""
    from automl.cli.model_answers import print_evaluation  # torch takes seconds to import
    from automl.data.loading import load_data_set
    from automl.export.model_file import load_model
    from automl.export.test_evaluation import evaluate as evaluate_model

    settings = Settings.read()
    home = settings.home(arguments.home)
    with _on_disk(arguments.file, settings) as file:
        model = load_model(file, device=arguments.device, model=arguments.model)
    seed = model.card.provenance.split_seed if arguments.split_seed is None else arguments.split_seed
    data = load_data_set(
        _reference(settings, arguments.data),
        home=home,
        splits=(arguments.split,),
        split_seed=seed,
        sizing=model.card.sizing,
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


def predict(arguments: argparse.Namespace) -> None:
    """Print a class and its probability for each image."""
    from automl.cli.model_answers import print_prediction_csv, print_predictions, tell_about_images
    from automl.export.model_file import load_model  # torch takes seconds to import
    from automl.export.prediction.image_files import find_images
    from automl.export.prediction.predicting import predict_files

    model = load_model(arguments.file, device=arguments.device, model=arguments.model)
    found = predict_files(model, find_images(arguments.images))
    tell_about_images(found, model)
    if arguments.json:
        print_json([{"image": name, **prediction.as_dict()} for name, prediction in found.predictions.items()])
    elif arguments.csv:
        print_prediction_csv(found.predictions, model.classes)
    else:
        print_predictions(found.predictions)


def train(arguments: argparse.Namespace) -> None:
    """Train one recipe, a line an epoch."""
    if arguments.export is not None:
        check_format(arguments.export)
    from automl.export.single_run import read_recipe_file, train_recipe

    settings = Settings.read()
    sizing = {name: getattr(arguments, name) for name in ("image_size", "fit") if hasattr(arguments, name)}
    result = train_recipe(
        dataclasses.replace(read_recipe_file(arguments.recipe), **sizing),
        _reference(settings, arguments.data),
        home=settings.home(arguments.home),
        export=arguments.export,
        device=arguments.device,
        model=arguments.model,
        say=tell,
    )
    if arguments.json:
        print_json(result.as_dict())
        return
    write_line(f"Best epoch {result.best.epoch}: validation {result.metric} {result.value:.4f}")
    if result.exported is not None:
        print_exported(result.exported)


def _reference(settings: Settings, flag: str | None) -> str:
    reference = settings.get("AUTOML_DATA", flag)
    if reference is None:
        raise SettingsError(
            "Which data? Give --data (or AUTOML_DATA): a folder or a .zip of labelled images, or: digits"
        )
    return reference
