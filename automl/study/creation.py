"""Studies: created, or continued with a budget that may be raised. This imports Optuna, which takes 0.3 s."""

from __future__ import annotations

import optuna
from sqlalchemy import text

from automl.errors import StudyError
from automl.metrics import METRICS
from automl.storage.advisory_locks import lock_schema
from automl.storage.attributes import SPECIFICATION_ATTRIBUTE
from automl.storage.database import Database
from automl.storage.optuna_internals import accepted_experiments, study_id_of
from automl.storage.optuna_storage import open_storage
from automl.study.consent import give_consent
from automl.study.granting import Budget, grant
from automl.study.names import check_name
from automl.study.record import StudyRecord, find_study, study_names
from automl.study.specification import Specification


def create_or_continue(database: Database, name: str, specification: Specification, budget: Budget) -> StudyRecord:
    """Create the study, or continue the one of this name with a budget that may be raised.

    Whoever calls this names the study's code, and so lets it be imported.

    Raises: StudyError if it exists and searches something else, or if a total would be lowered.
    """
    check_name(name)
    with database.engine.connect() as connection:
        exists = name in study_names(connection)
    if not exists:
        _create(database, name, specification)
    with database.engine.begin() as connection:
        record = find_study(connection, name)
        record.specification.check_same(specification, study=name)
        give_consent(connection, record, model=specification.model, space=specification.space.function)
        grant(connection, record, budget)
        return find_study(connection, name)


def _create(database: Database, name: str, specification: Specification) -> None:
    maximize = METRICS[specification.metric].maximize
    with database.engine.begin() as connection:
        # One creator at a time; what a killed one left half made is completed here.
        lock_schema(connection)
        study = optuna.create_study(
            storage=open_storage(database),
            study_name=name,
            direction="maximize" if maximize else "minimize",
            load_if_exists=True,
        )
        if study.get_trials(deepcopy=False) and SPECIFICATION_ATTRIBUTE not in study.user_attrs:
            raise StudyError(
                f"Study {name} exists in this database, but automl did not make it. Choose another --study NAME."
            )
        if SPECIFICATION_ATTRIBUTE not in study.user_attrs:
            with accepted_experiments():
                study.set_metric_names([f"validation {specification.metric}".replace("_", " ")])
            study.set_user_attr(SPECIFICATION_ATTRIBUTE, specification.as_dict())
        connection.execute(
            text("INSERT INTO automl_studies (study_id) VALUES (:study_id) ON CONFLICT DO NOTHING"),
            {"study_id": study_id_of(study)},
        )
