"""Values of the confirmed recipes: new seeds, their mean, and the value in the search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure

from automl.figures.canvas import COLOURS, FAINT, INK, new_figure, style


@dataclass(frozen=True)
class RepeatedRecipe:
    """One recipe that was trained again."""

    label: str
    search_value: float
    values: tuple[float, ...]
    """Values with the new seeds."""
    mean: float
    interval: tuple[float, float] | None
    """The 95 % interval of the mean. None if it has none."""


def confirmation_chart(repeated: Sequence[RepeatedRecipe], *, value_label: str) -> Figure:
    """A row for each recipe, the best mean on top: seeds, mean with its interval, and the search's value, hollow."""
    figure = new_figure(height_inches=1.4 + 0.45 * len(repeated))
    axes = figure.add_subplot()
    style(axes, x_label=value_label, y_label="")
    axes.set_yticks(range(len(repeated)), [one.label for one in repeated])
    axes.set_ylim(len(repeated) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    for row, one in enumerate(repeated):
        axes.scatter(one.values, [row] * len(one.values), s=22, color=FAINT, label="new seed", zorder=2)
        if one.interval is not None:
            axes.plot(one.interval, (row, row), color=COLOURS[0], linewidth=2, label="95 % interval", zorder=1)
        axes.scatter(one.mean, row, s=60, color=COLOURS[0], label="mean", zorder=3)
        axes.scatter(
            one.search_value, row, s=55, facecolors="none", edgecolors=COLOURS[1], label="in the search", zorder=4
        )
    named = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    figure.legend(list(named.values()), list(named), loc="outside upper left", ncols=4, frameon=False, labelcolor=INK)
    return figure
