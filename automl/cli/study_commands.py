"""Commands about studies: create, status, studies, show, stop, delete."""

from __future__ import annotations

import argparse
import dataclasses
import shutil
import sys
from typing import Any

from automl.application.planning import add_planning_options, make_plan, wishes_of
from automl.cli.answers import print_status, print_studies, print_trial, recipe_document, recipe_yaml
from automl.cli.confirm_answers import print_confirmation_line
from automl.cli.live import decoding_progress
from automl.cli.options import Place, add_json, add_storage_options, add_study_name, count_from_zero, opened_place
from automl.cli.search_command import prepare_study
from automl.cli.terminal import print_json, tell, write_line
from automl.confirmation.confirmed import choose_best, find_confirmation
from automl.errors import SettingsError, StudyError
from automl.queue.claims import recover_lost
from automl.results.results import list_studies, read_status, read_trial
from automl.storage.schema import has_schema
from automl.study.study import delete_study, request_stop
from automl.tracking.wandb_files import delete_runs


def add_commands(commands: Any) -> None:
    """Every command of this module."""
    _add_create(commands)
    _add_status(commands)
    parser = commands.add_parser("studies", help="all studies of this storage")
    add_json(parser)
    add_storage_options(parser)
    parser.set_defaults(run=studies)
    _add_show(commands)
    parser = commands.add_parser("stop", help="ask the workers of a study to give their trials back and end")
    add_study_name(parser)
    add_storage_options(parser)
    parser.set_defaults(run=stop)
    _add_delete(commands)


def _add_create(commands: Any) -> None:
    parser = commands.add_parser("create", help="create a study, or raise its budget; `automl worker` then runs it")
    parser.add_argument(
        "study", nargs="?", metavar="NAME", help="study (AUTOML_STUDY, else from data, space and metric)"
    )
    add_planning_options(parser)
    parser.add_argument(
        "--from", dest="source", metavar="OLD", help="carry over OLD's finished trials that fit this space"
    )
    add_json(parser)
    add_storage_options(parser)
    parser.set_defaults(run=create)


def _add_status(commands: Any) -> None:
    parser = commands.add_parser("status", help="where a search stands")
    add_study_name(parser)
    add_json(parser)
    add_storage_options(parser)
    parser.set_defaults(run=status)


def _add_show(commands: Any) -> None:
    parser = commands.add_parser("show", help="one trial, whole; --recipe prints what `automl train` takes")
    parser.add_argument("trial", metavar="TRIAL", help="its number, or: best")
    add_study_name(parser)
    parser.add_argument("--recipe", action="store_true", help="print its recipe as YAML")
    add_json(parser)
    add_storage_options(parser)
    parser.set_defaults(run=show)


def _add_delete(commands: Any) -> None:
    parser = commands.add_parser(
        "delete", help="delete a study with its trials, weights and checkpoints, and its logs and wandb files here"
    )
    parser.add_argument("study", metavar="NAME", help="study")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    add_storage_options(parser)
    parser.set_defaults(run=delete)


def create(arguments: argparse.Namespace) -> None:
    """Create or continue a study without running it."""
    with opened_place(arguments) as place:
        with decoding_progress() as on_progress:
            plan = make_plan(wishes_of(arguments), place.settings, home=place.home, on_progress=on_progress)
        source = place.record(arguments.source) if arguments.source else None
        if source is not None and plan.specification.is_exhaustive:
            raise SettingsError(
                "--from and the sampler grid do not go together: a grid tries every combination once, those of "
                f"{source.name} too. Leave out --from, or choose another --sampler."
            )
        record = prepare_study(place, plan, say=tell)
        if source is not None:
            from automl.transfer.warm_start import carry_over  # Optuna takes 0.3 s to import

            carried = carry_over(place.database, source, record, artifacts=place.artifacts)
            tell(f"       {carried.carried} finished trials carried over from {source.name}; {carried.left} do not fit")
        if arguments.json:
            print_json(
                {"study": record.name, "budget_trials": record.budget_trials, "budget_seconds": record.budget_seconds}
            )
        else:
            write_line(f"Study {record.name} is ready. Run it with: automl worker {record.name}")


def status(arguments: argparse.Namespace) -> None:
    """Print where a search stands; trials of vanished workers are found on the way."""
    with opened_place(arguments) as place:
        record = place.record(arguments.study)
        with place.database.engine.begin() as connection:
            grace_seconds = place.settings.grace_seconds()
            recover_lost(
                connection, study_id=record.study_id, reached_seconds=float("inf"), grace_seconds=grace_seconds
            )
            answer = read_status(connection, record, grace_seconds=grace_seconds)
            confirmation = find_confirmation(connection, record)
    if arguments.json:
        print_json(answer.as_dict() | {"confirmation": confirmation.as_dict() if confirmation else None})
    else:
        print_status(answer)
        if confirmation is not None:
            print_confirmation_line(confirmation)


def studies(arguments: argparse.Namespace) -> None:
    """Print one line a study."""
    with opened_place(arguments) as place, place.database.engine.connect() as connection:
        found = list_studies(connection) if has_schema(connection) else []
    if arguments.json:
        print_json([dataclasses.asdict(summary) for summary in found])
    else:
        print_studies(found)


def show(arguments: argparse.Namespace) -> None:
    """Print one trial, or its recipe."""
    with opened_place(arguments) as place:
        record = place.record(arguments.study)
        with place.database.engine.connect() as connection:
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


def stop(arguments: argparse.Namespace) -> None:
    """Ask the workers to end; returns at once."""
    with opened_place(arguments) as place:
        record = place.record(arguments.study)
        with place.database.engine.begin() as connection:
            workers = request_stop(connection, record, grace_seconds=place.settings.grace_seconds())
    write_line(
        f"Study {record.name} was told to stop: {workers} workers give their trials back within seconds. "
        "The command that began it continues it."
    )


def delete(arguments: argparse.Namespace) -> None:
    """Delete a study after a question."""
    with opened_place(arguments) as place:
        record = place.record(arguments.study)
        if not arguments.yes and not _confirmed(place, record.name):
            raise StudyError(f"Nothing was deleted. To delete without a question: automl delete {record.name} --yes")
        with place.database.engine.connect() as connection:
            confirmation = find_confirmation(connection, record)
        delete_study(place.database, record, artifacts=place.artifacts)
        logs = place.home / "logs" / record.uid
        if logs.exists():
            shutil.rmtree(logs)
        delete_runs(place.home, study_uid=record.uid)
    write_line(f"Study {record.name} and its artifacts are deleted.")
    if confirmation is not None and confirmation.record.name != record.name:
        left = confirmation.record.name
        write_line(f"What confirms it, study {left}, stays; delete it with: automl delete {left}")


def _confirmed(place: Place, name: str) -> bool:
    record = place.record(name)
    with place.database.engine.connect() as connection:
        finished = read_status(connection, record).finished
    sys.stderr.write(
        f"Delete study {name} with {finished} finished trials, their weights, checkpoints and logs? [y/N] "
    )
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")
