"""Forms of JSON: what a type says of a value, as one call that finds the first part which is something else."""

from __future__ import annotations

import dataclasses
import math
import types
from collections.abc import Callable, Mapping
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

Form = Callable[[Any, str], None]
"""form(value, at): raises ValueError that says what stands at `at` instead."""


def form_of(hint: Any) -> Form:
    """The form of a type: of plain values, Literal, unions, lists, tuples, dicts with text as keys and dataclasses.

    A float is a finite number, and a whole one too. A dataclass is an object with exactly its fields.
    """
    if hint is Any:
        return _anything
    if dataclasses.is_dataclass(hint):
        return fields_form({name: form_of(each) for name, each in get_type_hints(hint).items()})
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        return choice(arguments)
    if origin in (Union, types.UnionType):
        return _union([form_of(argument) for argument in arguments])
    if origin is list or ... in arguments:
        return list_of(form_of(arguments[0]))
    if origin is tuple:
        return _items([form_of(argument) for argument in arguments])
    if origin is dict:
        return _mapping(form_of(arguments[1]))
    return _plain(hint)


def choice(values: tuple[object, ...]) -> Form:
    """One of some texts."""

    def check(value: Any, at: str) -> None:
        if not isinstance(value, str) or value not in values:
            raise _wrong(value, at)

    return check


def fields_form(forms: Mapping[str, Form], *, others: Form | None = None) -> Form:
    """An object with these fields; `others`: the form of further ones, which then may be there, and none has to be."""

    def check(value: Any, at: str) -> None:
        if not isinstance(value, dict):
            raise _wrong(value, at)
        if others is None and value.keys() != forms.keys():
            raise ValueError(f"{at} has other fields than {', '.join(forms)}")
        for name, part in value.items():
            (forms.get(name) or others or _anything)(part, f"{at}.{name}")

    return check


def number_between(low: float, high: float, *, whole: bool = False) -> Form:
    """A number from `low` to `high`."""

    def check(value: Any, at: str) -> None:
        if type(value) not in ((int,) if whole else (int, float)) or not low <= value <= high:
            raise _wrong(value, at)

    return check


def list_of(form: Form) -> Form:
    """A list of any length."""

    def check(value: Any, at: str) -> None:
        if not isinstance(value, list):
            raise _wrong(value, at)
        for index, item in enumerate(value):
            form(item, f"{at}[{index}]")

    return check


def optional(form: Form) -> Form:
    """The form, or null."""
    return _union([_plain(types.NoneType), form])


def _anything(_value: Any, _at: str) -> None:
    pass


def _plain(kind: type) -> Form:
    kinds: tuple[type, ...] = (int, float) if kind is float else (kind,)

    def check(value: Any, at: str) -> None:
        if type(value) not in kinds or (kind is float and not math.isfinite(value)):
            raise _wrong(value, at)

    return check


def _union(forms: list[Form]) -> Form:
    def check(value: Any, at: str) -> None:
        for form in forms[:-1]:
            try:
                form(value, at)
            except ValueError:
                continue
            return
        forms[-1](value, at)

    return check


def _items(forms: list[Form]) -> Form:
    def check(value: Any, at: str) -> None:
        if not isinstance(value, list) or len(value) != len(forms):
            raise _wrong(value, at)
        for index, form in enumerate(forms):
            form(value[index], f"{at}[{index}]")

    return check


def _mapping(form: Form) -> Form:
    def check(value: Any, at: str) -> None:
        if not isinstance(value, dict):
            raise _wrong(value, at)
        for key, item in value.items():
            form(item, f"{at}.{key}")

    return check


def _wrong(value: Any, at: str) -> ValueError:
    return ValueError(f"{at} is {repr(value)[:60]}")
