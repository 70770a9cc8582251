"""`automl space FILE`: how a space file was understood, as a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from automl.application.console import TextTable
from automl.application.durations import in_units
from automl.spaces.distributions.ranges import text_of
from automl.spaces.parameters import Parameter
from automl.spaces.space import SearchSpace


def space_table(space: SearchSpace) -> TextTable:
    """One row a parameter: the file's name, ours with its distribution, when it is active, exact or not, a note."""
    table = TextTable(title=f"Search space {space.name}", title_justify="left")
    for heading in ("parameter", "ours", "active when", "sampled", "note"):
        table.add_column(heading, overflow="fold")
    for parameter in space.parameters:
        table.add_row(*_row(parameter))
    if space.function:
        table.add_row(space.function, "any field of the recipe", "", "exact", "a function, called with the trial")
    return table


def _row(parameter: Parameter) -> tuple[str, ...]:
    sign = ":" if parameter.is_searched else " ="
    condition = " and ".join(map(str, parameter.when))
    exactness = "exact" if parameter.exact else "approximate"
    return parameter.source, f"{parameter.name}{sign} {parameter.distribution}", condition, exactness, parameter.note


def first_recipe_lines(space: SearchSpace, seconds: Sequence[float]) -> Iterator[str]:
    """A line for each recipe that comes first, with the forecast of its training."""
    searched = {parameter.name for parameter in space.parameters if parameter.is_searched}
    for number, values in enumerate(space.first):
        duration = f" ({in_units(seconds[number])})" if number < len(seconds) else ""
        shown = ", ".join(f"{name} {text_of(value)}" for name, value in values.items() if name in searched)
        yield f"first {number + 1}{duration}: {shown}"
