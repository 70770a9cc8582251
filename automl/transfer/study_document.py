"""A study as plain JSON: what copies and backups are made of.

A document has the study's own part (`study`) and a list of trials (`trials`): docs/design/moving.md has both. A running
trial is written down as waiting, at its next attempt: where the copy goes on, it goes on from its last checkpoint.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from automl.errors import StudyError
from automl.storage.attributes import ARTIFACT_PREFIX, SPECIFICATION_ATTRIBUTE
from automl.storage.schema import VERSION
from automl.study.specification import Specification
from automl.transfer.document_check import check_contents
from automl.transfer.moved import MovedStudy

FORMAT = 1
"""Version of the document's form."""
OUR_TABLES = {
    "study": "automl_studies",
    "claim": "automl_trials",
    "epochs": "automl_epochs",
    "openings": "automl_test_openings",
}
"""Tables by their keys in a document."""
CHECKPOINT = re.compile(r"[0-9]+-[0-9]+\.pt")


@dataclass(frozen=True)
class StudyDocument:
    """One study, whole, without its files."""

    study: dict[str, Any]
    trials: list[dict[str, Any]]

    @property
    def name(self) -> str:
        """The study's name where it was read."""
        return str(self.study["name"])

    @property
    def created_at(self) -> datetime:
        """When it was created; with the name it makes the study's unique name."""
        return datetime.fromisoformat(self.study["row"]["created_at"])

    @property
    def attempts(self) -> dict[int, int]:
        """The last attempt at each trial, by its number; 0 for those that nobody has begun."""
        return {trial["number"]: (trial["claim"] or {}).get("attempt", 0) for trial in self.trials}

    @property
    def specification(self) -> Specification:
        """What it searches."""
        return Specification.from_dict(self.study["user_attributes"][SPECIFICATION_ATTRIBUTE])

    def check(self) -> None:
        """See that this automl can write it and show it, and that its files go where files of a study do.

        Raises: StudyError if another version wrote it, if it is damaged, or if a checkpoint's name leads elsewhere.
        """
        found = (self.study.get("format"), self.study.get("schema"))
        if found != (FORMAT, VERSION):
            raise StudyError(
                f"It was written by automl {self.study.get('automl')}, in format {found[0]} with tables of version "
                f"{found[1]}; this one works with format {FORMAT} and version {VERSION}. Install that automl."
            )
        check_contents(self.study, self.trials)
        for trial in self.trials:
            if trial["checkpoint"] and not CHECKPOINT.fullmatch(trial["checkpoint"]):
                raise StudyError(
                    f"Trial {trial['number']} names a checkpoint {trial['checkpoint']!r}, and automl writes "
                    "NUMBER-ATTEMPT.pt alone: the file was changed by somebody else. Use a backup that you trust."
                )

    def files(self) -> Iterator[str]:
        """Names of all files that belong to it: `artifacts/ID` and `checkpoints/NUMBER-ATTEMPT.pt`."""
        for attributes in (self.study["system_attributes"], *(trial["system_attributes"] for trial in self.trials)):
            yield from (f"artifacts/{identifier}" for identifier in artifact_ids(attributes))
        yield from (f"checkpoints/{trial['checkpoint']}" for trial in self.trials if trial["checkpoint"])

    def moved(self, *, name: str, missing: int) -> MovedStudy:
        """What of it was copied, backed up or restored, as a study `name`, without `missing` of its files."""
        waiting = sum(trial["state"] == "WAITING" for trial in self.trials)
        return MovedStudy(name, len(self.trials), waiting, sum(1 for _ in self.files()) - missing, missing)


def artifact_ids(attributes: Mapping[str, Any]) -> list[str]:
    """Identifiers of the artifacts among some system attributes."""
    named = ((key, value) for key, value in attributes.items() if key.startswith(ARTIFACT_PREFIX))
    return [key.removeprefix(ARTIFACT_PREFIX) for key, value in named if json.loads(value) is not None]
