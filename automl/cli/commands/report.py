"""`automl report`: what a search found, as a page for a browser and a README that GitHub shows."""

from __future__ import annotations

import argparse
from pathlib import Path

from automl.cli.arguments import (
    add_consent,
    add_data_location,
    add_json,
    add_storage_options,
    add_study_name,
    open_command_context,
)
from automl.cli.output import print_json, write_line
from automl.cli.printing.recipe_text import recipe_yaml
from automl.settings import expand_home
from automl.study.names import check_name

REPORTS = Path("reports")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    add_study_name(parser)
    parser.add_argument("--output", type=expand_home, metavar="DIR", help="folder of the report (reports/NAME)")
    add_data_location(parser)
    add_consent(parser)
    add_json(parser)
    add_storage_options(parser)


def run(arguments: argparse.Namespace) -> None:
    """Write the report, and say where it is and what could not be in it."""
    from automl.report.report_folder import write_report  # torch takes seconds to import, and `--help` does without

    with open_command_context(arguments) as context:
        record = context.find_study(arguments.study)
        record = context.let_import(record, model=arguments.model, space=arguments.space)

        written = write_report(
            context.database,
            record,
            arguments.output or _folder_of(record.name),
            home=context.home,
            artifacts=context.artifacts,
            data=arguments.data,
            recipe_document=recipe_yaml,
        )
    if arguments.json:
        print_json(written.as_dict())
        return
    write_line(f"page    {written.page} ({written.page.stat().st_size / 1e6:.1f} MB, needs no network)")
    write_line(f"readme  {written.readme} with {len(written.images)} images")
    for sentence in written.missing:
        write_line(f"missing {sentence}")


def _folder_of(study: str) -> Path:
    """Folder of a study's report; StudyError if the name would lead elsewhere."""
    check_name(study)
    return REPORTS / study
