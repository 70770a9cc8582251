from __future__ import annotations

from automl.figures.interactive.plotly_confirmation import interactive_confirmation
from automl.figures.search.confirmation import RepeatedRecipe, confirmation_chart

REPEATED = [
    RepeatedRecipe("trial 3", 0.97, (0.95, 0.96), 0.955, (0.90, 1.0)),
    RepeatedRecipe("trial <7>", 0.99, (0.94,), 0.94, None),
]


def test_printed_picture_has_a_row_for_each_recipe_and_names_each_mark_once() -> None:
    figure = confirmation_chart(REPEATED, value_label="accuracy")
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["trial 3", "trial <7>"]
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["new seed", "95 % interval", "mean", "in the search"]


def test_page_s_picture_shows_seeds_means_with_intervals_and_what_the_search_had() -> None:
    seeds, means, found = interactive_confirmation(REPEATED, value_label="accuracy").data
    assert list(zip(seeds.x, seeds.y, strict=True)) == [(0.95, 0), (0.96, 0), (0.94, 1)]
    assert list(means.x) == [0.955, 0.94]
    assert [round(length, 3) for length in means.error_x.array] == [0.045, 0]
    assert [round(length, 3) for length in means.error_x.arrayminus] == [0.055, 0]
    assert list(found.x) == [0.97, 0.99]
