"""A study is created or continued, without running it."""

from __future__ import annotations

from collections.abc import Callable

from automl.application.command_context import CommandContext
from automl.application.durations import describe_split
from automl.application.live import decoding_progress
from automl.application.plan import Plan, make_plan
from automl.application.search_options import SearchOptions
from automl.errors import SettingsError
from automl.preflight.auto_building import Machine
from automl.results.note_writing import write_study_note
from automl.storage.roles import DASHBOARD_ROLE, create_reader
from automl.study.record import StudyRecord, find_study, study_names
from automl.study.specification import Specification


def create_study(
    context: CommandContext, options: SearchOptions, *, warm_start_from: str | None = None, log: Callable[[str], None]
) -> StudyRecord:
    """Create or continue a study; with the finished trials of the study `warm_start_from` that fit its space.

    Raises: AutomlError for anything that its message tells how to fix.
    """
    with decoding_progress() as on_progress:
        plan = plan_study(context, options, on_progress=on_progress)
    source = context.find_study(warm_start_from) if warm_start_from else None
    if source is not None and plan.specification.is_exhaustive:
        raise SettingsError(
            "--from and the sampler grid do not go together: a grid tries every combination once, those of "
            f"{source.name} too. Leave out --from, or choose another --sampler."
        )
    record = prepare_study(context, plan, log=log)
    if source is not None:
        _warm_start(context, source, record, log=log)
    return record


def plan_study(
    context: CommandContext,
    options: SearchOptions,
    *,
    on_progress: Callable[[int, int], None] | None,
    machine: Machine | None = None,
) -> Plan:
    """Plan a study to create, or the one of this name to continue; `machine`: as for `make_plan`.

    Raises: as `make_plan` does.
    """

    def stored(name: str) -> Specification | None:
        with context.database.engine.connect() as connection:
            return find_study(connection, name).specification if name in study_names(connection) else None

    return make_plan(
        options, context.settings, home=context.home, on_progress=on_progress, machine=machine, stored=stored
    )


def prepare_study(context: CommandContext, plan: Plan, *, log: Callable[[str], None]) -> StudyRecord:
    """Create or continue the planned study, and log how everything was understood.

    Raises: StudyError if a study of this name searches something else.
    """
    # Optuna takes 0.3 s to import: `automl search --help` does without.
    from automl.storage.schema_creation import create_schema
    from automl.study.creation import create_or_continue

    create_schema(context.database)
    record = create_or_continue(context.database, plan.name, plan.specification, plan.budget)
    with context.database.engine.begin() as connection:
        write_study_note(connection, record)
    for line in plan.lines():
        log(line)
    log(f"study  {record.name}")
    if record.budget_seconds is not None:
        log(f"time   {describe_split(record.budget_seconds, record.specification.final_share)}")
    configured, total = plan.budget.configured_trials, record.budget_trials
    if configured is not None and total is not None and configured < total:
        log(f"       keeps its total of {total} trials; settings and files only raise it")
    return record


def set_up_service(context: CommandContext, *, log: Callable[[str], None]) -> StudyRecord:
    """Upgrade the tables, create the study of the environment, and the dashboard's role if its password is set."""
    from automl.storage.schema_creation import upgrade_schema  # as above

    upgrade_schema(context.database)
    plan = plan_study(context, SearchOptions(), on_progress=None)
    record = prepare_study(context, plan, log=log)
    password = context.settings.get("AUTOML_DASHBOARD_PASSWORD")
    if password is not None:
        with context.database.engine.begin() as connection:
            create_reader(connection, DASHBOARD_ROLE, password=password)
        log(f"role   {DASHBOARD_ROLE}, which can only read")
    return record


def _warm_start(
    context: CommandContext, source: StudyRecord, record: StudyRecord, *, log: Callable[[str], None]
) -> None:
    from automl.transfer.warm_start import import_trials  # as above

    found = import_trials(context.database, source, record, artifacts=context.artifacts)
    log(f"       {found.imported} finished trials imported from {source.name}; {found.left} do not fit")
