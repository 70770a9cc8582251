"""Value against size and latency, with the Pareto front of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from automl.figures.canvas import COLOURS, FAINT, FONT_POINTS, INK, new_figure, style


@dataclass(frozen=True)
class Priced:
    """One complete trial: its value and its cost."""

    label: str
    value: float
    parameters: int | None
    milliseconds: float | None
    """Latency of one image on the worker, in milliseconds."""


@dataclass(frozen=True)
class Price:
    """One measure of cost."""

    label: str
    of: Callable[[Priced], float | None]


PRICES = (
    Price("parameters", lambda one: one.parameters),
    Price("milliseconds an image", lambda one: one.milliseconds),
)


def pareto_front(priced: Sequence[Priced], price: Price, *, maximize: bool) -> list[Priced]:
    """Trials that no other one beats at the same price or a lower one, the cheapest first."""
    sign = 1 if maximize else -1
    known = [one for one in priced if price.of(one) is not None]
    front: list[Priced] = []
    for one in sorted(known, key=lambda one: (price.of(one) or 0.0, -sign * one.value)):
        if not front or sign * one.value > sign * front[-1].value:
            front.append(one)
    return front


def shown_prices(priced: Sequence[Priced]) -> list[Price]:
    """Prices that are known of at least one trial."""
    return [price for price in PRICES if any(price.of(one) is not None for one in priced)]


def trade_off_chart(
    priced: Sequence[Priced], *, value_label: str, maximize: bool, limits: Sequence[float | None]
) -> Figure:
    """A panel for each price, with the front as a line; `limits` in the order of PRICES, None: there is none."""
    prices = shown_prices(priced)
    figure = new_figure(height_inches=3.8)
    row: Sequence[Axes] = figure.subplots(1, len(prices), sharey=True, squeeze=False)[0]
    for axes, price in zip(row, prices, strict=True):
        style(axes, x_label=price.label, y_label=value_label if axes is row[0] else "")
        axes.set_xscale("log")
        _draw(axes, price, priced, maximize=maximize)
        limit = limits[PRICES.index(price)]
        if limit is not None:
            axes.axvline(limit, color=COLOURS[1], linewidth=1.2, linestyle="--", label="limit")
    shown = {label: line for axes in row for line, label in zip(*axes.get_legend_handles_labels(), strict=True)}
    figure.legend(shown.values(), shown.keys(), loc="outside upper left", ncols=3, frameon=False, labelcolor=INK)
    return figure


def _draw(axes: Axes, price: Price, priced: Sequence[Priced], *, maximize: bool) -> None:
    front = pareto_front(priced, price, maximize=maximize)
    others = [one for one in priced if one not in front and price.of(one) is not None]
    axes.scatter(
        [price.of(one) or 0.0 for one in others],
        [one.value for one in others],
        s=24,
        color=FAINT,
        alpha=0.7,
        label="trial",
    )
    axes.plot(
        [price.of(one) or 0.0 for one in front],
        [one.value for one in front],
        color=COLOURS[2],
        marker="o",
        markersize=6,
        linewidth=1.5,
        drawstyle="steps-post",
        label="Pareto front",
    )
    for one in front:
        axes.annotate(
            one.label,
            (price.of(one) or 0.0, one.value),
            xytext=(4, -12),
            textcoords="offset points",
            color=INK,
            fontsize=FONT_POINTS - 2,
        )
