"""What a confirmation says, in sentences: for the command line and for the report."""

from __future__ import annotations

from automl.confirmation.confirmed import SIGNIFICANT, Confirmation, ConfirmedRecipe


def verdict(found: Confirmation) -> tuple[str, ...]:
    """Whether the first recipe really beats the second; or why that cannot be said."""
    if not found.is_over:
        return (f"{found.finished} of {found.planned} trials are finished; nothing is decided before all are.",)
    if found.winner is None:
        return ("No trial of it is complete, so nothing is confirmed.",)
    failed = found.finished - sum(len(recipe.values) for recipe in found.recipes)
    lost = (f"{failed} of {found.planned} trials failed and are left out.",) if failed else ()
    return (*lost, _first_against_second(found, found.winner))


def _first_against_second(found: Confirmation, first: ConfirmedRecipe) -> str:
    if found.second is None:
        return f"Only trial {first.trial}'s recipe was confirmed, so there is nothing to beat."
    means = f"a mean of {first.mean:.4f} against {found.second.mean:.4f}"
    pair = f"trial {first.trial}'s recipe and trial {found.second.trial}'s"
    if found.comparison is None:
        return f"Whether {pair} differ cannot be tested: {means}, of {_why_untested(first, found.second)}."
    p = f"Welch's t-test, two-sided: p = {found.comparison.p_value:.2g}"
    if found.comparison.p_value < SIGNIFICANT:
        return f"Trial {first.trial}'s recipe really beats trial {found.second.trial}'s: {means} ({p})."
    return f"It is not shown that {pair} differ: {means} ({p})."


def _why_untested(first: ConfirmedRecipe, second: ConfirmedRecipe) -> str:
    if min(len(first.values), len(second.values)) < 2:
        return "one seed; --seeds 3 gives a spread"
    return "seeds without any spread"


def in_words_of_luck(found: Confirmation) -> tuple[str, ...]:
    """By how much the search's best value was a lucky draw."""
    known = [recipe for recipe in found.recipes if recipe.mean is not None]
    if not known:
        return ()
    sign = 1 if known[0].metric.maximize else -1
    draw = max(known, key=lambda recipe: (sign * recipe.search_value, -recipe.trial))
    assert draw.luck is not None
    factor = found.confirms.epochs_factor
    longer = "" if factor == 1 else f", {factor:g} times as long, so luck is not all of it"
    kind = f"the search flattered it by {draw.luck:.4f}"
    if draw.luck <= 0:
        kind = f"the search did not flatter it, the mean is better by {-draw.luck:.4f}"
    seeds = f"{len(draw.values)} new seed{'s' if len(draw.values) > 1 else ''}{longer}"
    return (
        f"One search's best score is a lucky draw: trial {draw.trial} had {draw.search_value:.4f}, and has a mean of "
        f"{draw.mean:.4f} over {seeds}: {kind}.",
    )
