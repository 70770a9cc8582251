"""`automl report`: what a search found, as a page for a browser and a README that GitHub shows."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from automl.cli.answers import recipe_yaml
from automl.cli.options import add_json, add_storage_options, add_study_name, opened_place
from automl.cli.terminal import print_json, write_line

REPORTS = Path("reports")


def add_commands(commands: Any) -> None:
    """`automl report`."""
    parser = commands.add_parser("report", help="figures and tables of a search, for a browser and for GitHub")
    add_study_name(parser)
    parser.add_argument("--output", type=Path, metavar="DIR", help="folder of the report (reports/NAME)")
    parser.add_argument("--data", metavar="D", help="where the study's data lie on this machine, if elsewhere")
    add_json(parser)
    add_storage_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Write the report, and say where it is and what could not be in it."""
    with opened_place(arguments) as place:
        record = place.record(arguments.study)
        from automl.report.report_folder import write_report  # torch takes seconds to import

        written = write_report(
            place.database,
            record,
            arguments.output or REPORTS / record.name,
            home=place.home,
            artifacts=place.artifacts,
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
