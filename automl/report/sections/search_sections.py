"""Sections about the search: space, history, baselines, learning curves, importance, pruning, failures."""

from __future__ import annotations

from automl.figures.interactive.plotly_tables import interactive_importances, interactive_parallel
from automl.figures.interactive.plotly_trials import (
    interactive_architecture,
    interactive_baselines,
    interactive_curves,
    interactive_effort,
    interactive_history,
)
from automl.figures.search.architecture import architecture_chart
from automl.figures.search.baseline_gain import baseline_chart
from automl.figures.search.effort import effort_chart
from automl.figures.search.history import search_history
from automl.figures.search.importances import Importance, importance_chart
from automl.figures.search.learning_curves import learning_curves
from automl.figures.search.parallel import parallel_coordinates
from automl.report.document import Block, Paragraph, Picture, ReportTable, Section
from automl.report.facts import Facts, baseline_trials, best_result, effort_of, failures_by_kind
from automl.report.trial_points import (
    architectures,
    baseline_points,
    curves,
    descriptions,
    parallel_axes,
    points,
)
from automl.report.winner import TestEvaluation
from automl.report.words import count, duration, network_of, size_of
from automl.results.notes import REMEDIES
from automl.results.trials import OVER_A_LIMIT
from automl.study.limits import in_words as in_words_of_limits
from automl.study.specification import BAND_PRUNERS

CURVES_SHOWN = 5


def data_and_space_section(facts: Facts, evaluation: TestEvaluation | None) -> Section:
    """Data, search space and settings."""
    specification = facts.record.specification
    channels, height, width = specification.data.image_shape
    rows = {
        "data": f"{specification.data.name} ({specification.data.reference})",
        "images": f"{channels} × {height} × {width} (channels, height, width)",
        "classes": f"{len(specification.data.class_names)}: {', '.join(specification.data.class_names)}",
        "splits": _splits(evaluation),
        "fingerprint": specification.data.fingerprint[:12],
        "space": specification.space.name,
        "network": facts.model or "automl's own family",
        "chosen by": facts.value_label,
        "limits": in_words_of_limits(specification) or "",
        "sampler": specification.sampler,
        "pruner": _pruner(facts),
        "budget": _budget(facts),
    }
    table = ReportTable(("", ""), tuple((name, value) for name, value in rows.items() if value))
    return Section("Data and search space", (table, *_space(facts)))


def _splits(evaluation: TestEvaluation | None) -> str:
    splits = evaluation.splits if evaluation else {}
    return ", ".join(f"{figures.images:,} {name}" for name, figures in splits.items())


def _pruner(facts: Facts) -> str:
    specification = facts.record.specification
    if specification.pruner == "none":
        return "none: every trial ran to its end"
    if specification.pruner in BAND_PRUNERS:
        first = count(max(1, specification.warmup_epochs), "epoch")
        return f"{specification.pruner}, first after {first}, one of {specification.reduction_factor} continues"
    return (
        f"{specification.pruner}, after {count(specification.startup_trials, 'finished trial')} "
        f"and {count(specification.warmup_epochs, 'epoch')} of the trial"
    )


def _budget(facts: Facts) -> str:
    limits = []
    if facts.status.budget_trials is not None:
        limits.append(count(facts.status.budget_trials, "finished trial"))
    if facts.status.budget_seconds is not None:
        limits.append(f"{duration(facts.status.budget_seconds)} of search")
    return " or ".join(limits) or "none"


def _space(facts: Facts) -> tuple[Block, ...]:
    space = facts.record.specification.space
    if space.function:
        return (Paragraph(f"The recipes were sampled by the function {space.function}."),)
    searched = [parameter for parameter in space.parameters if parameter.is_searched]
    fixed = [f"{p.name} = {p.distribution}" for p in space.parameters if not p.is_searched]
    rows = tuple((p.name, str(p.distribution), " and ".join(map(str, p.when))) for p in searched)
    blocks: list[Block] = [ReportTable(("searched", "values", "where"), rows)]
    if fixed:
        blocks.append(Paragraph(f"Fixed: {'; '.join(fixed)}. Other fields have the defaults of a recipe."))
    return tuple(blocks)


def baseline_section(facts: Facts) -> Section:
    """Baseline recipes, from the simple to the complex, and the winner."""
    title = "Gain over the baselines"
    tried = baseline_trials(facts)
    if len(tried) < 2:
        return Section(title, (Paragraph("This study has no baselines: fewer than two first recipes were tried."),))
    chart = baseline_points(facts)
    picture = Picture(
        "baselines",
        f"{facts.value_label} of each baseline recipe, the simplest on top, and of the winner",
        baseline_chart(chart, value_label=facts.value_label),
        interactive_baselines(chart, value_label=facts.value_label),
    )
    rows, best = [], None
    for trial in tried:
        value = facts.reached(trial)
        gain = "" if value is None or best is None else f"{facts.gain(value, best):+.4f}"
        rows.append(
            (str(trial.number), network_of(trial, model=facts.model), size_of(trial), _value(value, trial.state), gain)
        )
        if value is not None and (best is None or facts.gain(value, best) > 0):
            best = value
    columns = ("trial", "network", "parameters", facts.value_label, "gain over the best baseline before")
    table = ReportTable(columns, tuple(rows), frozenset({0, 2, 3, 4}))
    return Section(title, (picture, table, *_beyond_the_baselines(facts, best)))


def _beyond_the_baselines(facts: Facts, best: float | None) -> tuple[Block, ...]:
    winner = facts.winner
    if winner is None or winner.value is None or best is None:
        return ()
    if winner.number in [trial.number for trial in baseline_trials(facts)]:
        return (
            Paragraph(f"The winner is a baseline itself, trial {winner.number}: no proposal of the sampler beat it."),
        )
    gain = facts.gain(winner.value, best)
    return (Paragraph(f"The search gained {gain:+.4f} over the best baseline, with trial {winner.number}."),)


def _value(value: float | None, state: str) -> str:
    shown = "" if value is None else f"{value:.4f}"
    return shown if state == "complete" else f"{shown} ({state})".strip()


def count_states(facts: Facts) -> str:
    """Number of trials by state, in words."""
    over = f"{facts.status.over_limit} over a limit and not trained, " if facts.status.over_limit else ""
    return f"{facts.status.complete} complete, {facts.stopped} pruned, {over}{facts.status.failed} failed"


def history_section(facts: Facts) -> Section:
    """Optimization history: every finished trial by its number."""
    shown = points(facts)
    maximize = facts.metric.maximize
    picture = Picture(
        "history",
        f"{facts.value_label} of every trial by its number, and the best so far",
        search_history(shown, value_label=facts.value_label, maximize=maximize),
        interactive_history(shown, descriptions=descriptions(facts), value_label=facts.value_label, maximize=maximize),
    )
    status = facts.status
    sentence = f"{count(status.finished, 'trial')} finished: {count_states(facts)}."
    if facts.winner is not None:
        sentence += f" The best one is trial {facts.winner.number}; trials count from 0."
    return Section("Optimization history", (Paragraph(sentence), picture))


def learning_curve_section(facts: Facts) -> Section:
    """Learning curves of the best trials, and their gap between training and validation."""
    best = facts.best_first[:CURVES_SHOWN]
    what = "loss" if facts.metric.name == "loss" else "accuracy"
    shown = curves(best, what=what)
    label = "cross entropy (nats)" if what == "loss" else "accuracy"
    picture = Picture(
        "learning-curves",
        f"{label} of the best trials by epoch, on the training split (dashes) and on the validation split (lines)",
        learning_curves(shown, value_label=label),
        interactive_curves(shown, value_label=label),
    )
    rows = []
    for trial in best:
        result = best_result(trial)
        train, validation = getattr(result, f"train_{what}"), getattr(result, f"validation_{what}")
        gap = train - validation if what == "accuracy" else validation - train
        rows.append((str(trial.number), str(result.epoch), f"{train:.4f}", f"{validation:.4f}", f"{gap:+.4f}"))
    table = ReportTable(
        ("trial", "best epoch", f"training {what}", f"validation {what}", "gap"), tuple(rows), frozenset(range(5))
    )
    remark = (
        "Lines are validation, dashes training. The gap is the difference by which training is better than validation "
        "at the best epoch. Training is measured on augmented images while the weights change, so a strong "
        "augmentation makes the gap negative. A large positive gap means overfitting. Epochs count from 0."
    )
    return Section("Learning curves", (picture, table, Paragraph(remark)))


def importance_section(importances: tuple[Importance, ...] | str) -> Section:
    """Parameters that set the best trials apart."""
    title = "Hyperparameter importance"
    if isinstance(importances, str):
        return Section(title, (Paragraph(importances),))
    picture = Picture(
        "importances",
        "share of the importance of each searched parameter",
        importance_chart(importances),
        interactive_importances(importances),
    )
    remark = (
        "PED-ANOVA compares the distribution of a parameter among the best tenth of the complete trials, five at "
        "least, with that among all of them. The result holds for this space and this budget. With few trials it is "
        "uncertain."
    )
    return Section(title, (picture, Paragraph(remark)))


def parallel_section(facts: Facts, importances: tuple[Importance, ...] | str) -> Section:
    """Parallel coordinates of the complete trials, with the most important parameters."""
    title = "Parallel coordinates"
    if len(facts.best_first) < 2:
        return Section(title, (Paragraph("This needs two complete trials."),))
    known = () if isinstance(importances, str) else importances
    axes = parallel_axes(facts, [importance.name for importance in known])
    picture = Picture(
        "parallel-coordinates",
        f"a line for each complete trial through its parameters to its {facts.value_label}, dark where it is good",
        parallel_coordinates(axes, maximize=facts.metric.maximize),
        interactive_parallel(axes, maximize=facts.metric.maximize),
    )
    remark = "A line that passes an axis at “none” belongs to a trial without that parameter."
    return Section(title, (picture, Paragraph(remark)))


def architecture_section(facts: Facts) -> Section:
    """Value by depth, width and size of the networks."""
    title = "Architecture and " + facts.metric.name.replace("_", " ")
    if facts.model:
        return Section(title, (Paragraph("The networks are the user's own: their architecture is not known here."),))
    shown = architectures(facts)
    picture = Picture(
        "architecture",
        f"{facts.value_label} by depth, by width and by number of parameters of the network",
        architecture_chart(shown, value_label=facts.value_label),
        interactive_architecture(shown, value_label=facts.value_label),
    )
    remark = "Hollow points were pruned or failed. They are drawn at their last value."
    return Section(title, (picture, Paragraph(remark)))


def pruning_section(facts: Facts) -> Section:
    """Pruned trials, and the device time that their other epochs would have taken."""
    efforts = [effort_of(trial) for trial in facts.trials]
    trained = sum(effort.trained_seconds for effort in efforts)
    saved = sum(effort.saved_seconds for effort in efforts)
    title = "Pruning"
    if trained == 0:
        return Section(title, (Paragraph("No trial finished an epoch."),))
    pruned = [trial for trial in facts.in_state("pruned") if trial.failure != OVER_A_LIMIT]
    sentence = (
        f"{len(pruned)} of {count(len(facts.trials), 'trial')} were pruned. All trials together took "
        f"{duration(trained)} of device time. The epochs that were not run would have taken about {duration(saved)} "
        f"more, {saved / (trained + saved):.0%} of the total, at the mean pace of their own trials."
        if pruned
        else f"No trial was pruned. All together took {duration(trained)} of device time."
    )
    if facts.status.over_limit:
        sentence += f" Another {count(facts.status.over_limit, 'trial')} cost nothing: over a limit and not trained."
    picture = Picture(
        "pruning",
        "device time of every trial by its number, and what pruning saved of it",
        effort_chart(efforts),
        interactive_effort(efforts),
    )
    return Section(title, (Paragraph(sentence), picture))


def failure_section(facts: Facts) -> Section:
    """Failures by kind, with a remedy."""
    found = failures_by_kind(facts.trials)
    if not found:
        return Section("Failures", (Paragraph("No trial failed."),))
    rows = tuple(
        (
            failure.kind,
            str(len(failure.numbers)),
            ", ".join(map(str, failure.numbers[:10])) + (", …" if len(failure.numbers) > 10 else ""),
            failure.reason,
            REMEDIES.get(failure.kind, ""),
        )
        for failure in found
    )
    table = ReportTable(("kind", "trials", "numbers", "the first one's reason", "what to do"), rows, frozenset({1}))
    return Section("Failures", (table,))
