"""Every distribution of a W&B sweep file, exactly, approximately with a note, or refused with the reason.

Source: the schema and the sampling of github.com/wandb/sweeps, `config/schema.json` and `params.py`.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass

from automl.spaces.distributions import intervals
from automl.spaces.distributions.quantile import curve_reader
from automl.spaces.distributions.ranges import one_of
from automl.spaces.entry import Entry, ParsedDistribution, is_finite_number, short, suggestion
from automl.spaces.yaml_with_lines import as_number

BELL = ("mu", "sigma")
BETA = ("a", "b")


def read_distribution(entry: Entry) -> ParsedDistribution | None:
    """The entry's distribution, or None with its mistakes recorded."""
    name = entry.spec["distribution"] if "distribution" in entry.spec else _implied(entry)
    if name is None:
        return None
    if not isinstance(name, str) or name not in DISTRIBUTIONS:
        entry.wrong(f"unknown distribution {short(name)}.{suggestion(str(name), tuple(DISTRIBUTIONS))}", "distribution")
        return None
    kind = DISTRIBUTIONS[name]
    if _has_right_keys(entry, name, kind):
        return kind.read(entry)
    return None


def _implied(entry: Entry) -> str | None:
    """The distribution of an entry that does not name it, as W&B infers it."""
    if "values" in entry.spec:
        return "categorical_w_probabilities" if "probabilities" in entry.spec else "categorical"
    if "value" in entry.spec:
        return "constant"
    if "min" in entry.spec and "max" in entry.spec:
        whole = all(isinstance(as_number(entry.spec[key]), int) for key in intervals.RANGE)
        return "int_uniform" if whole else "uniform"
    given = ", ".join(map(str, entry.spec)) or "nothing"
    entry.wrong(f"it has {given}. Give `min` and `max`, `values`, `value`, or a `distribution` with what it needs.")
    return None


def _has_right_keys(entry: Entry, name: str, kind: _Kind) -> bool:
    allowed = (*kind.required, *kind.optional, "distribution", "when")
    missing = [key for key in kind.required if key not in entry.spec]
    extra = [key for key in entry.spec if key not in allowed]
    for key in missing:
        entry.wrong(f"{name} needs `{key}`")
    for key in extra:
        entry.wrong(f"{name} has no {key!r}.{suggestion(key, allowed)}", key)
    return not missing and not extra


def _constant(entry: Entry) -> ParsedDistribution | None:
    value = entry.value(entry.spec["value"], "value")
    fixed = one_of([] if value is None else [value])
    return ParsedDistribution(fixed) if fixed else None


def _categorical(entry: Entry) -> ParsedDistribution | None:
    listed = entry.listed("values")
    values = [entry.value(value, "values", index) for index, value in enumerate(listed)]
    accepted = [value for value in values if value is not None]
    unique = list(dict.fromkeys(accepted))
    choice = one_of(unique)
    if choice is None or len(accepted) < len(listed):
        return None
    repeated = len(unique) < len(accepted)
    return ParsedDistribution(choice, ("repeated values count once",) if repeated else ())


def _weighted(entry: Entry) -> ParsedDistribution | None:
    reading, written = _categorical(entry), entry.listed("probabilities")
    if reading is None or not written:
        return None
    weights = [weight for weight in map(as_number, written) if is_finite_number(weight) and weight >= 0]
    count = len(entry.listed("values"))
    if not len(weights) == len(written) == count or not math.isclose(math.fsum(weights), 1, abs_tol=1e-6):
        entry.wrong(f"probabilities have to be {count} numbers from 0 with the sum 1", "probabilities")
        return None
    return dataclasses.replace(reading, notes=(*reading.notes, "the probabilities are lost: all values are alike"))


@dataclass(frozen=True)
class _Kind:
    """The keys of a distribution, and what reads them."""

    read: Callable[[Entry], ParsedDistribution | None]
    required: tuple[str, ...]
    optional: tuple[str, ...] = ()


DISTRIBUTIONS: dict[str, _Kind] = {
    "constant": _Kind(_constant, ("value",)),
    "categorical": _Kind(_categorical, ("values",)),
    "categorical_w_probabilities": _Kind(_weighted, ("values", "probabilities")),
    "int_uniform": _Kind(intervals.int_uniform, intervals.RANGE),
    "uniform": _Kind(intervals.uniform, intervals.RANGE),
    "q_uniform": _Kind(intervals.q_uniform, intervals.RANGE, ("q",)),
    "log_uniform_values": _Kind(intervals.log_uniform_values, intervals.RANGE),
    "inv_log_uniform_values": _Kind(intervals.log_uniform_values, intervals.RANGE),
    "q_log_uniform_values": _Kind(intervals.q_log_uniform_values, intervals.RANGE, ("q",)),
    "log_uniform": _Kind(intervals.log_uniform, intervals.RANGE),
    "inv_log_uniform": _Kind(intervals.inv_log_uniform, intervals.RANGE),
    "q_log_uniform": _Kind(intervals.q_log_uniform, intervals.RANGE, ("q",)),
    "normal": _Kind(curve_reader("normal", quantized=False), (), BELL),
    "q_normal": _Kind(curve_reader("normal", quantized=True), (), (*BELL, "q")),
    "log_normal": _Kind(curve_reader("log_normal", quantized=False), (), BELL),
    "q_log_normal": _Kind(curve_reader("log_normal", quantized=True), (), (*BELL, "q")),
    "beta": _Kind(curve_reader("beta", quantized=False), (), BETA),
    "q_beta": _Kind(curve_reader("beta", quantized=True), (), (*BETA, "q")),
}
KEYS = frozenset(key for kind in DISTRIBUTIONS.values() for key in (*kind.required, *kind.optional)) | {"distribution"}
"""Keys by which a parameter describes its distribution."""
