"""What a study's document has to look like, part by part, so that whoever reads the study later finds it so."""

from __future__ import annotations

import base64
import dataclasses
import json
import math
import zlib
from datetime import UTC, datetime
from typing import Any, Literal, get_type_hints

from automl.data.identity import DataIdentity
from automl.metrics import METRICS, CalibratedFigures, EpochResult
from automl.models.rates import Rates
from automl.recipe import FIELDS, Recipe, Value
from automl.spaces.parameters import KINDS
from automl.spaces.space import PrunerSetting
from automl.storage.attributes import (
    ARTIFACT_PREFIX,
    BEGAN_AGAIN_ATTRIBUTE,
    CALIBRATED_ATTRIBUTE,
    CONFIRMS_ATTRIBUTE,
    CUT_SHORT_ATTRIBUTE,
    EPOCHS_ATTRIBUTE,
    IMPORTED_FROM_ATTRIBUTE,
    MICRO_BATCH_ATTRIBUTE,
    MILLISECONDS_ATTRIBUTE,
    NEEDS_SECONDS_ATTRIBUTE,
    PHASE_ATTRIBUTE,
    RECIPE_ATTRIBUTE,
    REPEATS_ATTRIBUTE,
    SHORTENED_ATTRIBUTE,
    SPECIFICATION_ATTRIBUTE,
    UNPUBLISHED_ATTRIBUTE,
)
from automl.study.specification import PRUNERS, SAMPLERS, Confirms
from automl.transfer.forms import Form, choice, fields_form, form_of, list_of, number_between, optional

MOST_COUNT = 2**31 - 1
"""Largest whole number of PostgreSQL's columns."""
MOST_SECONDS = 1e10
EARLIEST, LATEST = datetime(1970, 1, 2, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
LONGEST_MARK = 2**24
"""Length of the JSON of a confusion matrix, in bytes."""
SCALAR = form_of(bool | int | float | str | None)
COUNT = number_between(0, MOST_COUNT, whole=True)
SECONDS = number_between(0, MOST_SECONDS)
SPECIAL = form_of(float | Literal["NaN", "Infinity", "-Infinity"])
"""A number of PostgreSQL's, which writes what is none as text."""


def moment(value: Any, at: str) -> None:
    """Form of a time with its zone, as ISO 8601 has it."""
    found = datetime.fromisoformat(value) if isinstance(value, str) else None
    if found is None or found.tzinfo is None or not EARLIEST <= found <= LATEST:
        raise ValueError(f"{at} is {repr(value)[:60]}")


def recipe(value: Any, at: str) -> None:
    """Form of a recipe."""
    form_of(dict[str, Value])(value, at)
    for name, part in value.items():
        if problem := FIELDS[name].problem(part) if name in FIELDS else f"{name} is no field of a recipe":
            raise ValueError(f"{at}: {problem}")
    Recipe.from_mapping(value)


def _distribution(value: Any, at: str) -> None:
    form_of(dict[str, Any])(value, at)
    choice(tuple(KINDS))(value.get("kind"), f"{at}.kind")
    kind = KINDS[value["kind"]]
    fields_form({"kind": form_of(str), **_fields(kind)})(value, at)


def _fields(kind: Any) -> dict[str, Form]:
    hints = get_type_hints(kind)
    return {field.name: form_of(hints[field.name]) for field in dataclasses.fields(kind)}


CONDITION = fields_form({"parameter": form_of(str), "values": form_of(list[Value])})


PARAMETER = fields_form(
    {
        "name": choice(tuple(FIELDS)),
        "source": form_of(str),
        "exact": form_of(bool),
        "note": form_of(str),
        "distribution": _distribution,
        "when": list_of(CONDITION),
    }
)
SPACE = fields_form(
    {
        "parameters": list_of(PARAMETER),
        "first": form_of(list[dict[str, Value]]),
        "name": form_of(str),
        "function": form_of(str | None),
        "sampler": optional(choice(SAMPLERS)),
        "metric": optional(choice(tuple(METRICS))),
        "pruner": form_of(PrunerSetting | None),
        "budget": optional(COUNT),
        "notes": form_of(list[str]),
    }
)
SPECIFICATION = fields_form(
    {
        "version": form_of(int),
        "data": form_of(DataIdentity),
        "space": SPACE,
        "metric": choice(tuple(METRICS)),
        "sampler": choice(SAMPLERS),
        "pruner": choice(PRUNERS),
        "startup_trials": COUNT,
        "warmup_epochs": COUNT,
        "reduction_factor": number_between(2, MOST_COUNT, whole=True),
        "seed": COUNT,
        "model": form_of(str | None),
        "keep": number_between(1, MOST_COUNT, whole=True),
        "max_parameters": optional(number_between(1, MOST_COUNT, whole=True)),
        "max_milliseconds": optional(number_between(1e-9, MOST_SECONDS)),
        "rates": form_of(Rates | None),
        "split_sizes": form_of(tuple[int, int] | None),
        "final_share": number_between(0, 1),
        "confirms": form_of(Confirms | None),
    }
)


def _artifact(value: Any, at: str) -> None:
    form_of(str)(value, at)
    form_of(dict[str, str | None] | None)(json.loads(value), at)


def _mark(value: Any, at: str) -> None:
    """Form of a confusion matrix that waits for its picture: packed, and no larger than it says."""
    form_of(str | None)(value, at)
    if value is not None:
        unpacked = zlib.decompressobj().decompress(base64.b85decode(value), LONGEST_MARK)
        form_of(list[tuple[int, int, int]])(json.loads(unpacked), at)


def _attributes(forms: dict[str, Form]) -> Form:
    """Attributes by their names, with those that Optuna and the dashboard keep there."""

    def check(value: Any, at: str) -> None:
        form_of(dict[str, Any])(value, at)
        for name, part in value.items():
            (_artifact if name.startswith(ARTIFACT_PREFIX) else forms.get(name, form_of(Any)))(part, f"{at}.{name}")

    return check


STUDY = fields_form(
    {
        "format": form_of(int),
        "schema": form_of(int),
        "automl": form_of(str),
        "name": form_of(str),
        "row": fields_form(
            {
                "created_at": moment,
                "active_seconds": SECONDS,
                "budget_seconds": optional(SECONDS),
                "trial_seconds": optional(SECONDS),
                "budget_trials": optional(COUNT),
            },
            others=SCALAR,
        ),
        "test_openings": list_of(fields_form({"opened_at": moment, "command": form_of(str)})),
        "user_attributes": _attributes({SPECIFICATION_ATTRIBUTE: SPECIFICATION}),
        "system_attributes": _attributes({}),
    }
)


def _curve(value: Any, at: str) -> None:
    """Form of what was reported by epoch; a loss may be NaN."""
    form_of(dict[str, Any])(value, at)
    for step, reported in value.items():
        COUNT(int(step), at)
        if type(reported) not in (int, float):
            raise ValueError(f"{at}.{step} is {repr(reported)[:60]}")


ORIGIN = {"trial": COUNT, "seed": COUNT, "value": form_of(float | None)}
ATTRIBUTES: dict[str, Form] = {
    RECIPE_ATTRIBUTE: recipe,
    EPOCHS_ATTRIBUTE: COUNT,
    MILLISECONDS_ATTRIBUTE: form_of(float),
    CALIBRATED_ATTRIBUTE: fields_form({"plain": form_of(CalibratedFigures), "tta": form_of(CalibratedFigures)}),
    BEGAN_AGAIN_ATTRIBUTE: form_of(str),
    MICRO_BATCH_ATTRIBUTE: number_between(1, MOST_COUNT, whole=True),
    CONFIRMS_ATTRIBUTE: fields_form(ORIGIN),
    PHASE_ATTRIBUTE: form_of(str),
    REPEATS_ATTRIBUTE: fields_form({**ORIGIN, "epochs": COUNT}),
    SHORTENED_ATTRIBUTE: COUNT,
    CUT_SHORT_ATTRIBUTE: form_of(str),
    NEEDS_SECONDS_ATTRIBUTE: SECONDS,
    IMPORTED_FROM_ATTRIBUTE: form_of(str),
}
EPOCH = fields_form(
    {field.name: SPECIAL for field in dataclasses.fields(EpochResult)} | {"epoch": COUNT, "seconds": SECONDS}
)
CLAIM = fields_form(
    {"attempt": COUNT, "epochs": optional(COUNT), "parameters": optional(COUNT), "threads": optional(COUNT)}
    | {"seconds": SECONDS, "lost": COUNT, "failure": form_of(str | None), "reason": form_of(str | None)},
    others=SCALAR,
)
TRIAL = fields_form(
    {
        "number": COUNT,
        "state": choice(("COMPLETE", "PRUNED", "FAIL", "WAITING")),
        "claim": optional(CLAIM),
        "epochs": list_of(EPOCH),
        "value": optional(number_between(-math.inf, math.inf)),
        "started_at": optional(moment),
        "completed_at": optional(moment),
        "params": form_of(dict[str, Value]),
        "distributions": form_of(dict[str, dict[str, Any]]),
        "user_attributes": _attributes(ATTRIBUTES),
        "system_attributes": _attributes({UNPUBLISHED_ATTRIBUTE: _mark}),
        "intermediate_values": _curve,
        "notes": form_of(dict[str, Any]),
        "checkpoint": form_of(str | None),
    }
)
