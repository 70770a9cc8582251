"""Section on the confirmed results: the best recipes with new seeds."""

from __future__ import annotations

from automl.confirmation.conclusions import conclusions, describe_selection_bias
from automl.confirmation.confirmed import Confirmation, ConfirmedRecipe
from automl.figures.interactive.plotly_confirmation import interactive_confirmation
from automl.figures.search.confirmation import RepeatedRecipe, confirmation_chart
from automl.report.document import Commands, Paragraph, Picture, ReportTable, Section
from automl.report.facts import Facts
from automl.sanitize import shell_word

TITLE = "Confirmed results"
COLUMNS = ("recipe", "in the search", "mean", "95 % interval", "search minus mean", "seeds", "values")


def confirmation_section(facts: Facts) -> Section:
    """Means of the best recipes over new seeds, or the command that computes them."""
    found = facts.confirmation
    if found is None:
        sentence = (
            f"The best value of {len(facts.best_first)} trials has a selection bias, which one search cannot measure. "
            "This command trains the best recipes again with new seeds and measures it:"
        )
        return Section(TITLE, (Paragraph(sentence), Commands((f"automl confirm {shell_word(facts.record.name)}",))))
    longer = f" and {found.confirms.epochs_factor:g} × the epochs" if found.confirms.epochs_factor != 1 else ""
    what = (
        f"Study {found.record.name} trained the best recipes of the search again with new seeds{longer}, each trial to "
        "its end. Intervals are Student's over the seeds: they hold for the choice of the seed, not of the images."
    )
    table = ReportTable(COLUMNS, tuple(_row(one) for one in found.recipes), frozenset({1, 2, 3, 4, 5}))
    summary = Paragraph(" ".join((*conclusions(found), *describe_selection_bias(found))))
    return Section(TITLE, (Paragraph(what), *_picture(facts, found), table, summary))


def _row(one: ConfirmedRecipe) -> tuple[str, ...]:
    return (
        f"trial {one.trial}",
        f"{one.search_value:.4f}",
        "–" if one.mean is None else f"{one.mean:.4f}",
        "–" if one.interval is None else f"{one.interval[0]:.4f} to {one.interval[1]:.4f}",
        "–" if one.mean is None else f"{one.search_value - one.mean:+.4f}",
        f"{len(one.values)} of {one.planned}",
        ", ".join(f"{value:.4f}" for value in one.values.values()),
    )


def repeated(found: Confirmation) -> list[RepeatedRecipe]:
    """Recipes that have a mean, the best first, as the pictures draw them."""
    return [
        RepeatedRecipe(f"trial {one.trial}", one.search_value, tuple(one.values.values()), one.mean, one.interval)
        for one in found.recipes
        if one.mean is not None
    ]


def _picture(facts: Facts, found: Confirmation) -> tuple[Picture, ...]:
    shown = repeated(found)
    if not shown:
        return ()
    return (
        Picture(
            "confirmation",
            f"{facts.value_label} of each repeated recipe: every new seed, their mean and the value in the search",
            confirmation_chart(shown, value_label=facts.value_label),
            interactive_confirmation(shown, value_label=facts.value_label),
        ),
    )
