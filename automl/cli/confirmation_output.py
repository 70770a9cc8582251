"""What a confirmation found, for people."""

from __future__ import annotations

from automl.application.console import TextTable
from automl.cli.output import print_table, write_line
from automl.confirmation.conclusions import conclusions, describe_selection_bias
from automl.confirmation.confirmed import Confirmation, ConfirmedRecipe, RecommendedTrial

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


def print_confirmation_line(found: Confirmation) -> None:
    """For `status`: how far a confirmation is, or whom it chose."""
    told = f"{found.finished} of {found.planned} trials finished"
    if found.winner is not None:
        told += f"; the recipe of trial {found.winner.trial} has the best mean, {found.winner.mean:.4f}"
    write_line(f"confirmation {found.record.name}: {told}")


def print_choice(choice: RecommendedTrial) -> None:
    """Why `best` names this trial, if a confirmation has something to say."""
    found = choice.confirmation
    if found is None:
        return
    if not choice.is_confirmed or found.winner is None:
        write_line(f"  not confirmed: {' '.join(conclusions(found))} (study {found.record.name})")
        return
    winner = found.winner
    seeds = f"{len(winner.values)} new seed{'s' if len(winner.values) > 1 else ''}"
    interval = winner.interval
    between = f", 95 % interval {interval[0]:.4f} to {interval[1]:.4f}" if interval else ""
    write_line(
        f"  confirmed: the best of {seeds} of the recipe of trial {winner.trial} of study "
        f"{found.confirms.study}, whose mean is {winner.mean:.4f}{between}"
    )
    for sentence in (*conclusions(found), *describe_selection_bias(found)):
        write_line(f"  {sentence}")


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
