"""Two dozen histories; `make chaos` tries hundreds."""

from __future__ import annotations

from automl.storage.database import Database
from tests.queue.claims_machine import check_claims

EXAMPLES = 24


def test_any_history_of_claims_leaves_what_the_rules_say(database: Database) -> None:
    check_claims(database, examples=EXAMPLES)
