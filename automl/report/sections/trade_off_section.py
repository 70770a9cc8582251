"""Section on value against size and latency."""

from __future__ import annotations

from automl.figures.interactive.plotly_trade_off import interactive_trade_off
from automl.figures.search.trade_off import pareto_front, shown_prices, trade_off_chart
from automl.report.document import Paragraph, Picture, ReportTable, Section
from automl.report.facts import Facts
from automl.report.trial_points import label_of, priced
from automl.report.words import network_of, size_of


def trade_off_section(facts: Facts) -> Section:
    """Value against size and latency, and the Pareto fronts."""
    title = facts.metric.name.replace("_", " ").capitalize() + " against size and latency"
    shown = priced(facts)
    if not shown:
        return Section(title, (Paragraph("The size of no network is known."),))
    limits = (facts.record.specification.max_parameters, facts.record.specification.max_milliseconds)
    maximize = facts.metric.maximize
    picture = Picture(
        "trade-off",
        f"{facts.value_label} of each complete trial by its parameters and by its latency, with the Pareto "
        "front of each",
        trade_off_chart(shown, value_label=facts.value_label, maximize=maximize, limits=limits),
        interactive_trade_off(shown, value_label=facts.value_label, maximize=maximize, limits=limits),
    )
    columns = ("Pareto front", facts.value_label, "parameters", "ms an image", "network")
    table = ReportTable(columns, _front(facts), frozenset({1, 2, 3}))
    remark = (
        "A front has the complete trials that no other one beats at the same cost or less. The table has both fronts. "
        "The time is the shortest of several runs with one image on the worker, from its device and back."
    )
    return Section(title, (picture, table, Paragraph(remark)))


def _front(facts: Facts) -> tuple[tuple[str, ...], ...]:
    """A row for each trial of either front, the smallest network first."""
    shown = priced(facts)
    fronts = [pareto_front(shown, price, maximize=facts.metric.maximize) for price in shown_prices(shown)]
    labels = {one.label for front in fronts for one in front}
    trials = [trial for trial in facts.best_first if label_of(trial) in labels]
    return tuple(
        (
            label_of(trial),
            f"{trial.value:.4f}",
            size_of(trial),
            "" if trial.milliseconds is None else f"{trial.milliseconds:.3g}",
            network_of(trial, model=facts.model),
        )
        for trial in sorted(trials, key=lambda trial: (trial.parameters or 0, trial.number))
    )
