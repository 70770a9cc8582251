"""Each fact about the tables stands in one module; every other one takes it from there."""

from __future__ import annotations

import re

import pytest

from tests.conftest import ROOT

SOURCES = {str(path.relative_to(ROOT)): path.read_text("utf-8") for path in (ROOT / "automl").rglob("*.py")}
FACTS = {
    "states of finished trials": (r"'COMPLETE',\s*'PRUNED',\s*'FAIL'", "automl/storage/sql_facts.py"),
    "order of the best": (r"(?i)ORDER BY (loss|value)\b(?! LIKE)|max\(value\)", "automl/storage/sql_facts.py"),
    "a living worker": (r"ended_at IS NULL|beat_at [<>]", "automl/storage/sql_facts.py"),
    "a record of a file": (r"LIKE '(artifacts:|\{ARTIFACT_PREFIX\})", "automl/storage/sql_facts.py"),
    "a transaction's lock": (r"pg_advisory_xact_lock", "automl/storage/advisory_locks.py"),
    "names of automl's attributes": (r"[\"']automl:\w+", "automl/storage/attributes.py"),
    "constants of attributes": (r"(?m)^\w*ATTRIBUTE = ", "automl/storage/attributes.py"),
    "keys of attributes": (r"key = '(?!dashboard:)\w", "automl/storage/attributes.py"),
}


@pytest.mark.parametrize("fact", FACTS)
def test_each_fact_stands_in_one_module(fact: str) -> None:
    pattern, home = FACTS[fact]
    assert {name for name, text in SOURCES.items() if re.search(pattern, text)} <= {home}
