"""Conclusions from a confirmation, in sentences: for the command line and for the report."""

from __future__ import annotations

from automl.confirmation.confirmed import SIGNIFICANT, Confirmation, ConfirmedRecipe


def conclusions(found: Confirmation) -> tuple[str, ...]:
    """Say whether the first recipe beats the second, or why that is unknown."""
    if not found.is_over:
        return (f"{found.finished} of {found.planned} trials are finished. The conclusions need all of them.",)
    if found.winner is None:
        return ("No trial of it is complete, so nothing is confirmed.",)
    failed = found.finished - sum(len(recipe.values) for recipe in found.recipes)
    lost = (f"{failed} of {found.planned} trials failed and are left out.",) if failed else ()
    return (*lost, _first_against_second(found, found.winner))


def _first_against_second(found: Confirmation, first: ConfirmedRecipe) -> str:
    if found.second is None:
        return f"Only trial {first.trial}'s recipe was confirmed, so there is no comparison."
    means = f"a mean of {first.mean:.4f} against {found.second.mean:.4f}"
    pair = f"trial {first.trial}'s recipe and trial {found.second.trial}'s"
    if found.comparison is None:
        return f"Whether {pair} differ cannot be tested: {means}, of {_why_untested(first, found.second)}."
    p = f"Welch's t-test, two-sided: p = {found.comparison.p_value:.2g}"
    if found.comparison.p_value < SIGNIFICANT:
        return f"Trial {first.trial}'s recipe is significantly better than trial {found.second.trial}'s: {means} ({p})."
    return f"No significant difference between {pair}: {means} ({p})."


def _why_untested(first: ConfirmedRecipe, second: ConfirmedRecipe) -> str:
    if min(len(first.values), len(second.values)) < 2:
        return "one seed; --seeds 3 gives a spread"
    return "seeds without any spread"


def describe_selection_bias(found: Confirmation) -> tuple[str, ...]:
    """Say by how much the search's best value overestimates its recipe."""
    known = [recipe for recipe in found.recipes if recipe.mean is not None]
    if not known:
        return ()
    sign = 1 if known[0].metric.maximize else -1
    best = max(known, key=lambda recipe: (sign * recipe.search_value, -recipe.trial))
    bias = best.selection_bias
    assert bias is not None
    factor = found.confirms.epochs_factor
    longer = "" if factor == 1 else f", trained {factor:g} times as long"
    caution = "" if factor == 1 else " The difference also contains the effect of the other number of epochs."
    seeds = f"{len(best.values)} new seed{'s' if len(best.values) > 1 else ''}{longer}"
    value = f"trial {best.trial} had {best.search_value:.4f} in the search"
    means = f"{value} and has a mean of {best.mean:.4f} over {seeds}"
    if bias <= 0:
        return (f"No selection bias is seen: {means}. The mean is better by {-bias:.4f}.{caution}",)
    return (f"Selection bias: {means}. The search overestimated it by {bias:.4f}.{caution}",)
