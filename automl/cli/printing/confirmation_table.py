"""The table of confirmed results."""

from __future__ import annotations

from automl.application.console import TextTable
from automl.cli.output import write_line
from automl.cli.printing.tables import print_table
from automl.confirmation.conclusions import conclusions, describe_selection_bias
from automl.confirmation.confirmed import Confirmation, ConfirmedRecipe

TITLES = ("recipe", "in the search", "mean", "95 % interval", "seeds", "values")


def print_confirmation(found: Confirmation, *, command: str) -> None:
    """Each recipe's mean and interval, the conclusions, and the command to go on with."""
    metric = found.record.specification.metric.replace("_", " ")
    longer = "" if found.confirms.epochs_factor == 1 else f", {found.confirms.epochs_factor:g} × the epochs"
    recipes = f"{len(found.recipes)} recipe{'s' if len(found.recipes) > 1 else ''}"
    write_line(
        f"Study {found.record.name}: {recipes} of study {found.confirms.study} with new seeds{longer}; "
        f"validation {metric}"
    )
    table = TextTable(box=None, pad_edge=False)
    for title in TITLES:
        table.add_column(title, justify="left" if title in ("recipe", "values") else "right")
    for recipe in found.recipes:
        table.add_row(*_cells(recipe))
    print_table(table)
    for sentence in (*conclusions(found), *describe_selection_bias(found)):
        write_line(sentence)
    write_line(f"{'next' if found.is_over else 'go on'}   {command}")


def _cells(recipe: ConfirmedRecipe) -> tuple[str, ...]:
    interval = recipe.interval
    return (
        f"trial {recipe.trial}",
        f"{recipe.search_value:.4f}",
        "-" if recipe.mean is None else f"{recipe.mean:.4f}",
        "-" if interval is None else f"{interval[0]:.4f} to {interval[1]:.4f}",
        f"{len(recipe.values)} of {recipe.planned}",
        ", ".join(f"{value:.4f}" for value in recipe.values.values()),
    )
