"""How a model was found, in sentences for its card."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy.engine import Connection

from automl.confirmation.conclusions import conclusions
from automl.confirmation.confirmed import confirmed_study, read_confirmation
from automl.errors import StudyError
from automl.results.status import read_status
from automl.study.record import StudyRecord, find_study


def history(connection: Connection, studies: Iterable[str]) -> tuple[str, ...]:
    """Sentences on the search, and on its confirmation, to which the model's trials belong."""
    records = [find_study(connection, name) for name in sorted(studies)]
    searches: dict[int, StudyRecord] = {}
    for record in records:
        try:
            search = confirmed_study(connection, record)
        except StudyError:  # it was deleted; the confirmation still holds
            continue
        searches[search.study_id] = search
    confirmations = [record for record in records if record.specification.confirms is not None]
    return (
        *(sentence for record in searches.values() for sentence in _search(connection, record)),
        *(sentence for record in confirmations for sentence in _confirmation(connection, record)),
    )


def _search(connection: Connection, record: StudyRecord) -> tuple[str, ...]:
    status, specification = read_status(connection, record), record.specification
    return (
        f"By study `{record.name}`: {status.finished} trials finished, {status.complete} complete, {status.pruned} "
        f"pruned, {status.failed} failed.",
        f"Sampler {specification.sampler}, pruner {specification.pruner}, seed {specification.seed}; the validation "
        f"{specification.metric.replace('_', ' ')} decided.",
    )


def _confirmation(connection: Connection, record: StudyRecord) -> tuple[str, ...]:
    found = read_confirmation(connection, record)
    return (
        f"Study `{record.name}` trained the best recipes of study `{found.confirms.study}` again, with new seeds and "
        f"{found.confirms.epochs_factor:g} times the epochs.",
        *conclusions(found),
    )
