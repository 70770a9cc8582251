"""Value of the metric by the architecture of the network."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from automl.figures.canvas import COLOURS, INK, new_figure, style

Kind: TypeAlias = Literal["perceptron", "plain", "residual"]
KIND_COLOURS: Mapping[Kind, str] = {"perceptron": COLOURS[5], "plain": COLOURS[0], "residual": COLOURS[1]}


@dataclass(frozen=True)
class Architecture:
    """The network of one trial, and its value."""

    number: int
    """Number of the trial."""
    kind: Kind
    depth: int
    """Number of stages; 0 is a perceptron."""
    width: int | None
    """Number of channels of the first stage. None: a perceptron has no stage."""
    parameters: int | None
    value: float
    complete: bool
    """False if it was pruned or failed. Then its value is the last one."""


@dataclass(frozen=True)
class Panel:
    """One property of the network, by which trials are plotted."""

    label: str
    of: Callable[[Architecture], int | None]
    log: bool


PANELS = (
    Panel("depth (stages)", lambda one: one.depth, log=False),
    Panel("width (channels of the first stage)", lambda one: one.width, log=False),
    Panel("parameters", lambda one: one.parameters, log=True),
)


def architecture_chart(architectures: Sequence[Architecture], *, value_label: str) -> Figure:
    """Value by depth, by width and by number of parameters; hollow points were pruned or failed."""
    figure = new_figure(height_inches=3.6)
    row: Sequence[Axes] = figure.subplots(1, len(PANELS), sharey=True)
    for axes, panel in zip(row, PANELS, strict=True):
        style(axes, x_label=panel.label, y_label=value_label if axes is row[0] else "")
        _draw(axes, panel, architectures)
        if panel.log:
            axes.set_xscale("log")
        else:
            axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    for kind in kinds_of(architectures):
        row[0].scatter([], [], s=26, color=KIND_COLOURS[kind], label=kind)
    if architectures:
        figure.legend(loc="outside upper left", ncols=3, scatteryoffsets=[0.5], frameon=False, labelcolor=INK)
    return figure


def kinds_of(architectures: Sequence[Architecture]) -> list[Kind]:
    """Kinds that occur, from the simple to the complex."""
    return [kind for kind in KIND_COLOURS if any(one.kind == kind for one in architectures)]


def _draw(axes: Axes, panel: Panel, architectures: Sequence[Architecture]) -> None:
    for kind, colour in KIND_COLOURS.items():
        for complete, face in ((True, colour), (False, "none")):
            alike = [one for one in architectures if one.kind == kind and one.complete == complete]
            shown = [(position, one.value) for one in alike if (position := panel.of(one)) is not None]
            if shown:
                positions, values = zip(*shown, strict=True)
                axes.scatter(positions, values, s=26, facecolors=face, edgecolors=colour, alpha=0.8)
