"""How large and how slow a network may be: what a study's limits say of one, in numbers for Optuna and in words."""

from __future__ import annotations

import dataclasses

from automl.study.specification import Specification


def judging(specification: Specification) -> Specification:
    """By whose limits a trial's network is judged: a confirmation judges none again, because the search did."""
    if specification.confirms is None:
        return specification
    return dataclasses.replace(specification, max_parameters=None, max_milliseconds=None)


def constraints(specification: Specification, *, parameters: int, milliseconds: float) -> dict[str, float]:
    """By how much a network is over each limit of the study, as a share of it; at most 0: it is within it."""
    found = {}
    if specification.max_parameters is not None:
        found["parameters"] = parameters / specification.max_parameters - 1
    if specification.max_milliseconds is not None:
        found["milliseconds"] = milliseconds / specification.max_milliseconds - 1
    return found


def excess(specification: Specification, *, parameters: int, milliseconds: float) -> str | None:
    """Why a network is over a limit of the study, as a sentence; None: it is within them."""
    found = constraints(specification, parameters=parameters, milliseconds=milliseconds)
    said = {
        "parameters": f"{parameters:,} parameters (--max-parameters {specification.max_parameters})",
        "milliseconds": f"{milliseconds:.3g} ms an image (--max-milliseconds {specification.max_milliseconds})",
    }
    over = [said[name] for name, value in found.items() if value > 0]
    return f"The network is too much: {', '.join(over)}." if over else None


def in_words(specification: Specification) -> str | None:
    """`at most 100,000 parameters and 5 ms an image`; None without limits."""
    said = []
    if specification.max_parameters is not None:
        said.append(f"{specification.max_parameters:,} parameters")
    if specification.max_milliseconds is not None:
        said.append(f"{specification.max_milliseconds:g} ms an image")
    return f"at most {' and '.join(said)}" if said else None
