"""What a confirmation found, in sentences."""

from __future__ import annotations

from automl.cli.output import write_line
from automl.confirmation.conclusions import conclusions, describe_selection_bias
from automl.confirmation.confirmed import Confirmation, RecommendedTrial


def print_confirmation_line(found: Confirmation) -> None:
    """For `status`: how far a confirmation is, or whom it chose."""
    progress = f"{found.finished} of {found.planned} trials finished"
    if found.winner is not None:
        progress += f"; the recipe of trial {found.winner.trial} has the best mean, {found.winner.mean:.4f}"
    write_line(f"confirmation {found.record.name}: {progress}")


def print_choice(choice: RecommendedTrial) -> None:
    """Why `best` names this trial, if it has a confirmation."""
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
