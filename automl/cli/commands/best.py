"""`automl best`: the best trial; `--export` writes its model."""

from __future__ import annotations

import argparse
import dataclasses

from sqlalchemy.engine import Connection

from automl.application.actions.model_export import export_model
from automl.cli.arguments import (
    add_consent,
    add_data_location,
    add_json,
    add_storage_options,
    add_study_name,
    count_from_zero,
    open_command_context,
    whole_number,
)
from automl.cli.output import print_json
from automl.cli.printing.confirmation_output import print_choice
from automl.cli.printing.export_output import print_exported
from automl.cli.printing.study_output import print_best
from automl.confirmation.confirmed import RecommendedTrial, choose_best
from automl.errors import SettingsError
from automl.export.formats import check_format
from automl.results.calibrated import read_calibrated
from automl.results.trials import read_trial
from automl.settings import expand_home
from automl.study.record import StudyRecord


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    add_study_name(parser)
    parser.add_argument("--trial", type=count_from_zero, metavar="N", help="this trial instead of the best")
    parser.add_argument(
        "--export", type=expand_home, metavar="FILE", help="write the model; the ending picks the format"
    )
    parser.add_argument(
        "--top", type=whole_number, metavar="N", help="export those of the best N trials that do best together, as one"
    )
    parser.add_argument(
        "--tta", action="store_true", help="export a model that averages each image with its mirror image"
    )
    parser.add_argument(
        "--single", action="store_true", help="export one network, though an ensemble of the search did better"
    )
    add_data_location(parser)
    add_consent(parser)
    add_json(parser)
    add_storage_options(parser)


def run(arguments: argparse.Namespace) -> None:
    """Print the best trial as it is stored; with --export also write and test its model."""
    _check_options(arguments)
    with open_command_context(arguments) as context:
        record = context.find_study(arguments.study)
        with context.database.engine.connect() as connection:
            choice = _chosen(connection, record, arguments.trial)
            trial = choice.trial
            calibrated = read_calibrated(connection, trial.trial_id)
        given = {"model": arguments.model, "space": arguments.space}
        record = context.let_import(record, **given)
        choice = dataclasses.replace(choice, record=context.let_import(choice.record, **given))
        exported = None
        if arguments.export is not None:
            exported = export_model(
                context,
                record,
                choice,
                arguments.export,
                command="best --export",
                top=arguments.top,
                single=arguments.single or arguments.trial is not None,
                tta=arguments.tta,
                data=arguments.data,
            )
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


def _chosen(connection: Connection, record: StudyRecord, number: int | None) -> RecommendedTrial:
    if number is None:
        return choose_best(connection, record)
    return RecommendedTrial(record, read_trial(connection, record, number), None)


def _check_options(arguments: argparse.Namespace) -> None:
    if arguments.export is None and (arguments.top is not None or arguments.tta or arguments.single):
        raise SettingsError(
            "--top, --single and --tta choose what is exported. Give --export FILE too, or leave them out."
        )
    if arguments.top is not None and arguments.single:
        raise SettingsError("--top asks for an ensemble, and --single for one network. Give only one of them.")
    if arguments.top is not None and arguments.trial is not None:
        raise SettingsError("--top chooses among the best trials, and --trial names one. Give only one of them.")
    if arguments.export is not None:
        check_format(arguments.export)
