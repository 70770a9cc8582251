"""Every distribution of a W&B sweep file, exactly, approximately with a note, or refused with the reason.

Source: the schema and the sampling of github.com/wandb/sweeps, `config/schema.json` and `params.py`.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass

from automl.search.distributions import Fixed, Real, Whole, multiple, one_of
from automl.search.quantiles import Family
from automl.search.rounded import Curve, Rounded
from automl.search.space_entry import Entry, Reading, is_finite_number, short, suggestion

LEAST_MASS = 0.01
"""A curve with less of itself inside the field's range is a mistake."""
NEGLIGIBLE = 1e-6
"""Probability outside the field's range up to which a curve counts as exact."""
SMALLEST, LARGEST = 1e-9, 1e12
"""Of what is rounded: no field of Recipe needs finer or larger numbers."""
LARGEST_EXPONENT = 700.0
"""Of e, that a float can hold."""

RANGE = ("min", "max")
BELL = ("mu", "sigma")
BETA = ("a", "b")

ROUNDED = "rounded to whole numbers"
ENDS = "both ends are as likely as the rest, where W&B draws them half as often"
EXPONENTS = "min and max are exponents of e"
BEFORE_ROUNDING = "the sampler sees the number before it is rounded"


def read_distribution(entry: Entry) -> Reading | None:
    """What the entry draws, or None with its mistakes recorded."""
    name = entry.spec["distribution"] if "distribution" in entry.spec else _implied(entry)
    if name is None:
        return None
    if not isinstance(name, str) or name not in DISTRIBUTIONS:
        entry.wrong(
            f"unknown distribution {short(name)}.{suggestion(str(name), tuple(DISTRIBUTIONS))}", key="distribution"
        )
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
        whole = all(isinstance(entry.spec[key], int) for key in RANGE)
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
        entry.wrong(f"{name} has no {key!r}.{suggestion(key, allowed)}", key=key)
    return not missing and not extra


def _constant(entry: Entry) -> Reading | None:
    value = entry.value(entry.spec["value"], key="value")
    fixed = one_of([] if value is None else [value])
    return Reading(fixed) if fixed else None


def _categorical(entry: Entry) -> Reading | None:
    listed = entry.listed("values")
    values = [entry.value(value, key="values") for value in listed]
    accepted = [value for value in values if value is not None]
    unique = list(dict.fromkeys(accepted))
    choice = one_of(unique)
    if choice is None or len(accepted) < len(listed):
        return None
    repeated = len(unique) < len(accepted)
    return Reading(choice, ("repeated values count once",) if repeated else ())


def _weighted(entry: Entry) -> Reading | None:
    reading, written = _categorical(entry), entry.listed("probabilities")
    if reading is None or not written:
        return None
    weights = [weight for weight in written if is_finite_number(weight) and weight >= 0]
    count = len(entry.listed("values"))
    if not len(weights) == len(written) == count or not math.isclose(math.fsum(weights), 1, abs_tol=1e-6):
        entry.wrong(f"probabilities have to be {count} numbers from 0 with the sum 1", key="probabilities")
        return None
    return dataclasses.replace(reading, notes=(*reading.notes, "the probabilities are lost: all values are alike"))


def _int_uniform(entry: Entry) -> Reading | None:
    bounds = _range(entry)
    if bounds is None:
        return None
    if not all(bound.is_integer() for bound in bounds):
        entry.wrong("int_uniform needs whole numbers for min and max", key="min")
        return None
    whole = Whole(int(bounds[0]), int(bounds[1]))
    if entry.field.kind == "int":
        return Reading(whole)
    return Reading(whole, remarks=("two whole numbers mean whole numbers only; 0.0 for 0 means all between",))


def _uniform(entry: Entry) -> Reading | None:
    bounds = _range(entry)
    if bounds is None:
        return None
    if entry.field.kind == "float":
        return Reading(Real(*bounds))
    return Reading(Whole(int(bounds[0]), int(bounds[1])), (ROUNDED,))


def _q_uniform(entry: Entry) -> Reading | None:
    bounds, quantum = entry.bounds(), _quantum(entry)
    if bounds is None or quantum is None or not _rounded_fit(entry, bounds, quantum):
        return None
    low, high = (multiple(bound, quantum) for bound in bounds)
    if low == high:
        return Reading(Fixed(entry.field.cast(low)), (f"every value is rounded to {low:g}",))
    whole = Whole(int(low), int(high), step=int(quantum)) if float(quantum).is_integer() else None
    return Reading(whole or Real(low, high, step=quantum), (ENDS,))


def _log_uniform_values(entry: Entry) -> Reading | None:
    bounds = _range(entry)
    if bounds is None or not _above_zero(entry, bounds):
        return None
    if entry.field.kind == "float":
        return Reading(Real(*bounds, log=True))
    return Reading(Whole(int(bounds[0]), int(bounds[1]), log=True), (ROUNDED,))


def _q_log_uniform_values(entry: Entry) -> Reading | None:
    bounds = entry.bounds()
    return _rounded_log(entry, bounds) if bounds and _above_zero(entry, bounds) else None


def _log_uniform(entry: Entry) -> Reading | None:
    bounds = _exponents(entry)
    return _log_of_exponents(entry, (math.exp(bounds[0]), math.exp(bounds[1]))) if bounds else None


def _inv_log_uniform(entry: Entry) -> Reading | None:
    bounds = _exponents(entry)
    return _log_of_exponents(entry, (math.exp(-bounds[1]), math.exp(-bounds[0]))) if bounds else None


def _q_log_uniform(entry: Entry) -> Reading | None:
    bounds = _exponents(entry)
    reading = _rounded_log(entry, (math.exp(bounds[0]), math.exp(bounds[1]))) if bounds else None
    return dataclasses.replace(reading, remarks=(EXPONENTS,)) if reading else None


def _log_of_exponents(entry: Entry, bounds: tuple[float, float]) -> Reading | None:
    if entry.field.kind == "int":
        reading = _rounded_log(entry, bounds, quantum=1.0)
        return dataclasses.replace(reading, notes=(ROUNDED,), remarks=(EXPONENTS,)) if reading else None
    if not (entry.accepts(bounds[0], key="min") and entry.accepts(bounds[1], key="max")):
        return None
    return Reading(Real(*bounds, log=True), remarks=(EXPONENTS,))


def _rounded_log(entry: Entry, bounds: tuple[float, float], quantum: float | None = None) -> Reading | None:
    quantum = quantum or _quantum(entry)
    if quantum is None or not _rounded_fit(entry, bounds, quantum):
        return None
    return Reading(Rounded(*bounds, quantum), remarks=(BEFORE_ROUNDING,))


def _curve(entry: Entry, family: Family, numbers: tuple[float, float], quantum: float | None) -> Reading | None:
    if entry.field.range is None:
        entry.wrong(f"it takes {entry.field.accepted()}, not the numbers of a curve: give them as `values`")
        return None
    low, high = float(entry.field.range.low), float(entry.field.range.high)
    low = math.nextafter(low, high) if entry.field.range.open_low else low
    curve = Curve(family, *numbers, low, high, quantum)
    outside = 1 - curve.mass()
    if outside > 1 - LEAST_MASS or curve.values() == ():
        entry.wrong(f"{curve.family}{numbers} almost never gives {entry.field.accepted()}")
        return None
    notes = [f"cut to {entry.field.range}: {outside:.2g} of it is outside"] if outside > NEGLIGIBLE else []
    return Reading(curve, tuple(notes))


def _bell(family: Family, *, quantized: bool) -> Callable[[Entry], Reading | None]:
    def read(entry: Entry) -> Reading | None:
        mu, sigma = entry.number("mu", 0), entry.positive("sigma", 1)
        quantum = _quantum(entry) if quantized else None
        if mu is None or sigma is None or (quantized and quantum is None):
            return None
        return _whole_or(entry, family, (float(mu), float(sigma)), quantum)

    return read


def _beta(*, quantized: bool) -> Callable[[Entry], Reading | None]:
    def read(entry: Entry) -> Reading | None:
        a, b = entry.positive("a", 1), entry.positive("b", 1)
        quantum = _quantum(entry) if quantized else None
        if a is None or b is None or (quantized and quantum is None):
            return None
        return _whole_or(entry, "beta", (float(a), float(b)), quantum)

    return read


def _whole_or(entry: Entry, family: Family, numbers: tuple[float, float], quantum: float | None) -> Reading | None:
    """A curve; that of a field of whole numbers is rounded to them, with a note."""
    if quantum is not None or entry.field.kind != "int":
        return _curve(entry, family, numbers, quantum)
    reading = _curve(entry, family, numbers, 1.0)
    return dataclasses.replace(reading, notes=(ROUNDED, *reading.notes)) if reading else None


def _range(entry: Entry) -> tuple[float, float] | None:
    """`min` and `max`, both of them values of the field, or None with the mistakes recorded."""
    bounds = entry.bounds()
    if bounds is None:
        return None
    accepted = [entry.accepts(bound, key=key) for key, bound in zip(RANGE, bounds, strict=True)]
    return bounds if all(accepted) else None


def _rounded_fit(entry: Entry, bounds: tuple[float, float], quantum: float) -> bool:
    """Whether the field takes what the bounds are rounded to."""
    if max(map(abs, bounds)) > LARGEST:
        entry.wrong(f"{bounds[0]:g} to {bounds[1]:g} is far from {entry.field.accepted()}", key="max")
        return False
    rounded = [multiple(bound, quantum) for bound in bounds]
    accepted = [entry.accepts(bound, key=key) for key, bound in zip(RANGE, rounded, strict=True)]
    return all(accepted)


def _quantum(entry: Entry) -> float | None:
    """`q`, which is whole for a field of whole numbers, or None with the mistake recorded."""
    quantum = entry.positive("q", 1)
    if quantum is None:
        return None
    if not SMALLEST <= quantum <= LARGEST or (entry.field.kind == "int" and not float(quantum).is_integer()):
        entry.wrong(f"q = {short(quantum)} does not lead to {entry.field.accepted()}", key="q")
        return None
    return float(quantum)


def _above_zero(entry: Entry, bounds: tuple[float, float]) -> bool:
    if bounds[0] > 0:
        return True
    entry.wrong(f"min = {bounds[0]:g} has no logarithm. Give a min above 0.", key="min")
    return False


def _exponents(entry: Entry) -> tuple[float, float] | None:
    bounds = entry.bounds()
    if bounds and max(map(abs, bounds)) > LARGEST_EXPONENT:
        entry.wrong("min and max are exponents of e here, and these are too large. Use log_uniform_values.", key="min")
        return None
    return bounds


@dataclass(frozen=True)
class _Kind:
    """The keys of a distribution, and what reads them."""

    read: Callable[[Entry], Reading | None]
    required: tuple[str, ...]
    optional: tuple[str, ...] = ()


DISTRIBUTIONS: dict[str, _Kind] = {
    "constant": _Kind(_constant, ("value",)),
    "categorical": _Kind(_categorical, ("values",)),
    "categorical_w_probabilities": _Kind(_weighted, ("values", "probabilities")),
    "int_uniform": _Kind(_int_uniform, RANGE),
    "uniform": _Kind(_uniform, RANGE),
    "q_uniform": _Kind(_q_uniform, RANGE, ("q",)),
    "log_uniform_values": _Kind(_log_uniform_values, RANGE),
    "inv_log_uniform_values": _Kind(_log_uniform_values, RANGE),
    "q_log_uniform_values": _Kind(_q_log_uniform_values, RANGE, ("q",)),
    "log_uniform": _Kind(_log_uniform, RANGE),
    "inv_log_uniform": _Kind(_inv_log_uniform, RANGE),
    "q_log_uniform": _Kind(_q_log_uniform, RANGE, ("q",)),
    "normal": _Kind(_bell("normal", quantized=False), (), BELL),
    "q_normal": _Kind(_bell("normal", quantized=True), (), (*BELL, "q")),
    "log_normal": _Kind(_bell("log_normal", quantized=False), (), BELL),
    "q_log_normal": _Kind(_bell("log_normal", quantized=True), (), (*BELL, "q")),
    "beta": _Kind(_beta(quantized=False), (), BETA),
    "q_beta": _Kind(_beta(quantized=True), (), (*BETA, "q")),
}
