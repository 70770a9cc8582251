"""What the labels of a source mean: which of them are equal, and which mean a missing one."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from automl.errors import DataError

SPELLED_NUMBER = re.compile(r"[+-]?(\d{1,300}(\.\d{0,300})?|\.\d{1,300})([eE][+-]?\d{1,2})?")
DECIMAL_COMMA = re.compile(r"[+-]?\d{1,300},\d{1,300}")
PADDED = re.compile(r"[+-]?0\d.*|.*\.\d*[1-9]0+")
"""`007` or `1.10`: no program writes a number so, thus it may be a code or a version."""
TRUTHS = {"true": "True", "false": "False"}
MISSING = frozenset(("", "nan", "NaN", "NAN", "-nan", "-NaN", "<NA>", "#N/A", "#NA", "#N/A N/A", "NaT"))
"""Words of pandas, numpy and spreadsheets for a missing value."""
PERHAPS_MISSING = frozenset(("None", "NA", "N/A", "n/a", "null", "Null", "NULL", "Nan"))
"""Words that pandas reads as missing, too; but a class may be called so."""
LISTED = 3
"""Labels that a note names."""


@dataclass(frozen=True)
class UnifiedLabels:
    """Class names of the labels."""

    names: Mapping[str, str]
    """The class name of each label."""
    notes: tuple[str, ...]


def missing_labels(labels: Iterable[str]) -> frozenset[str]:
    """Labels that mean a missing one; among numbers, `None` and `NA` do as well."""
    found = set(labels)
    others = found - MISSING - PERHAPS_MISSING
    among_numbers = bool(others) and all(map(_is_number, others))
    return frozenset(found & (MISSING | PERHAPS_MISSING if among_numbers else MISSING))


def check_doubtful(labels: Sequence[str], *, where: str, named: Callable[[int], str]) -> None:
    """Refuse labels that may be a class, or mean a missing one.

    `where`: the source. `named`: what a message calls the label at an index, such as `line 7`.

    Raises: DataError with their count and the first of them.
    """
    rows = [row for row, label in enumerate(labels) if label in PERHAPS_MISSING]
    if rows:
        label = labels[rows[0]]
        raise DataError(
            f"{where}: {labels.count(label):,} labels are {label!r} (first: {named(rows[0])}), which may be a class or "
            "a missing label. Rename the class, for example to 'no finding', or leave these images out."
        )


def unify_labels(labels: Iterable[str], *, where: str) -> UnifiedLabels:
    """Give equal labels one name: numbers by their value (0, 0.0, +0, 0e0), true and false in any case.

    Where all labels are numbers they are written as briefly as they can be, 2.0 as 2, so that a class has the same
    name in a table and in an array. A padded number (007) may be a code: it keeps its form. `where`: the source.

    Raises: DataError where equal numbers may be different words (1 and 01, True and 1), or with a decimal comma.
    """
    found = sorted(set(labels))
    if found and {label.lower() for label in found} <= set(TRUTHS):
        return UnifiedLabels({label: TRUTHS[label.lower()] for label in found}, _merged_truths(found))
    numbers = [label for label in found if _is_number(label)]
    _refuse_truths_beside_numbers(found, numbers, where)
    _refuse_decimal_commas(found, numbers, where)
    names = {label: label for label in found}
    notes = []
    for value, spellings in _by_value(numbers).items():
        if len(spellings) > 1:
            _refuse_padded(spellings, where)
            notes.append(f"the labels {_listed(spellings)} are equal numbers: they are one class, {_brief(value)!r}")
        if len(spellings) > 1 or (len(numbers) == len(found) and not PADDED.fullmatch(spellings[0])):
            names |= dict.fromkeys(spellings, _brief(value))
    return UnifiedLabels(names, (*notes, *_alike(names.values())))


def _is_number(label: str) -> bool:
    return SPELLED_NUMBER.fullmatch(label) is not None


def canonical_number(label: str) -> str:
    """A number as briefly as it can be written; anything else as it is."""
    return _brief(Decimal(label)) if _is_number(label) else label


def _by_value(numbers: Iterable[str]) -> dict[Decimal, list[str]]:
    """Exactly: a float64 would take large numbers for equal that are not."""
    spellings = defaultdict(list)
    for number in numbers:
        spellings[Decimal(number)].append(number)
    return spellings


def _brief(value: Decimal) -> str:
    text = format(value, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if value == 0 else text


def _merged_truths(found: Sequence[str]) -> tuple[str, ...]:
    if len(found) <= len({label.lower() for label in found}):
        return ()
    return (f"the labels {_listed(found)} differ in their case only: they are two truths, True and False",)


def _alike(names: Iterable[str]) -> Iterator[str]:
    """Notes on class names that differ in their case only: that may be meant, or a slip."""
    by_form = defaultdict(set)
    for name in names:
        by_form[name.casefold()].add(name)
    for alike in by_form.values():
        if len(alike) > 1:
            yield f"the labels {_listed(alike)} differ in their case only: they are {len(alike)} classes"


def _refuse_padded(spellings: Sequence[str], where: str) -> None:
    if any(PADDED.fullmatch(spelling) for spelling in spellings):
        raise DataError(
            f"{where}: the labels {_listed(spellings)} are equal as numbers, but not as words. "
            "Write this class in one way."
        )


def _refuse_truths_beside_numbers(found: Collection[str], numbers: Collection[str], where: str) -> None:
    truths = [label for label in found if label.lower() in TRUTHS]
    if truths and numbers and len(truths) + len(numbers) == len(found) and {Decimal(x) for x in numbers} <= {0, 1}:
        raise DataError(
            f"{where}: the labels {_listed(found)} mix True and False with 1 and 0. Write each class in one way."
        )


def _refuse_decimal_commas(found: Collection[str], numbers: Collection[str], where: str) -> None:
    commas = [label for label in found if DECIMAL_COMMA.fullmatch(label)]
    if commas and len(commas) + len(numbers) == len(found):
        raise DataError(
            f"{where}: the label {commas[0]!r} may be a number with a decimal comma, or two labels. "
            "Write numbers with a point, and classes in words."
        )


def _listed(labels: Collection[str]) -> str:
    first = [repr(label) for label in sorted(labels)[:LISTED]]
    if len(labels) > LISTED:
        return f"{', '.join(first)}, …"
    return " and ".join(filter(None, (", ".join(first[:-1]), first[-1])))
