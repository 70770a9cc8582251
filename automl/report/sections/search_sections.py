"""Sections about the search: what was searched, how it went, what it cost."""

from __future__ import annotations

from automl.figures.interactive.tables import interactive_importances, interactive_parallel
from automl.figures.interactive.trials import (
    interactive_architecture,
    interactive_curves,
    interactive_effort,
    interactive_history,
    interactive_ladder,
)
from automl.figures.search.architecture import architecture_chart
from automl.figures.search.baselines import ladder_chart
from automl.figures.search.effort import effort_chart
from automl.figures.search.history import search_history
from automl.figures.search.importances import Importance, importance_chart
from automl.figures.search.learning_curves import learning_curves
from automl.figures.search.parallel import parallel_coordinates
from automl.report.document import Block, Paragraph, Picture, Section, Table
from automl.report.facts import Facts, best_result, effort_of, failures_by_kind, rungs_of
from automl.report.trial_points import (
    architectures,
    curves,
    descriptions,
    parallel_axes,
    points,
    rungs,
)
from automl.report.winner import Examination
from automl.report.words import count, duration, network_of, size_of
from automl.results.notes import REMEDIES
from automl.results.results import OVER_A_LIMIT
from automl.study.limits import in_words as in_words_of_limits
from automl.study.specification import BAND_PRUNERS

CURVES_SHOWN = 5


def what_was_searched(facts: Facts, examination: Examination | None) -> Section:
    """Data, space and rules."""
    specification = facts.record.specification
    channels, height, width = specification.data.image_shape
    rows = {
        "data": f"{specification.data.name} ({specification.data.reference})",
        "images": f"{channels} × {height} × {width} (channels, height, width)",
        "classes": f"{len(specification.data.class_names)}: {', '.join(specification.data.class_names)}",
        "splits": _splits(examination),
        "fingerprint": specification.data.fingerprint[:12],
        "space": specification.space.name,
        "network": facts.model or "automl's own family",
        "chosen by": facts.value_label,
        "limits": in_words_of_limits(specification) or "",
        "sampler": specification.sampler,
        "pruner": _pruner(facts),
        "budget": _budget(facts),
    }
    table = Table(("", ""), tuple((name, value) for name, value in rows.items() if value))
    return Section("What was searched, and on what", (table, *_space(facts)))


def _splits(examination: Examination | None) -> str:
    splits = examination.splits if examination else {}
    return ", ".join(f"{figures.images:,} {name}" for name, figures in splits.items())


def _pruner(facts: Facts) -> str:
    specification = facts.record.specification
    if specification.pruner == "none":
        return "none: every trial went to its end"
    if specification.pruner in BAND_PRUNERS:
        first = count(max(1, specification.warmup_epochs), "epoch")
        return f"{specification.pruner}, first after {first}, one of {specification.reduction_factor} goes on"
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
        return (Paragraph(f"The recipes were drawn by the function {space.function}."),)
    searched = [parameter for parameter in space.parameters if parameter.is_searched]
    fixed = [f"{p.name} = {p.distribution}" for p in space.parameters if not p.is_searched]
    rows = tuple((p.name, str(p.distribution), " and ".join(map(str, p.when))) for p in searched)
    blocks: list[Block] = [Table(("searched", "values", "where"), rows)]
    if fixed:
        blocks.append(Paragraph(f"Fixed: {'; '.join(fixed)}. What is not named has the default of a recipe."))
    return tuple(blocks)


def what_each_rung_bought(facts: Facts) -> Section:
    """The first recipes, from the simple to the complex, and the winner."""
    title = "What each rung of the ladder bought"
    tried = rungs_of(facts)
    if len(tried) < 2:
        return Section(title, (Paragraph("This study has no ladder: fewer than two first recipes were tried."),))
    chart = rungs(facts)
    picture = Picture(
        "ladder",
        f"{facts.value_label} of each first recipe, the simplest on top, and of the winner",
        ladder_chart(chart, value_label=facts.value_label),
        interactive_ladder(chart, value_label=facts.value_label),
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
    columns = ("trial", "network", "parameters", facts.value_label, "over the best rung before")
    table = Table(columns, tuple(rows), frozenset({0, 2, 3, 4}))
    return Section(title, (picture, table, *_beyond_the_ladder(facts, best)))


def _beyond_the_ladder(facts: Facts, best: float | None) -> tuple[Block, ...]:
    winner = facts.winner
    if winner is None or winner.value is None or best is None:
        return ()
    if winner.number in [trial.number for trial in rungs_of(facts)]:
        return (Paragraph(f"The winner is a rung itself, trial {winner.number}: no proposal of the sampler beat it."),)
    gain = facts.gain(winner.value, best)
    return (Paragraph(f"The search above the ladder bought another {gain:+.4f}, with trial {winner.number}."),)


def _value(value: float | None, state: str) -> str:
    shown = "" if value is None else f"{value:.4f}"
    return shown if state == "complete" else f"{shown} ({state})".strip()


def states(facts: Facts) -> str:
    """How the trials ended, in words."""
    over = f"{facts.status.over_limit} over a limit and not trained, " if facts.status.over_limit else ""
    return f"{facts.status.complete} complete, {facts.stopped} stopped early, {over}{facts.status.failed} failed"


def how_it_went(facts: Facts) -> Section:
    """Every finished trial by its number."""
    shown = points(facts)
    maximize = facts.metric.maximize
    picture = Picture(
        "history",
        f"{facts.value_label} of every trial by its number, and the best so far",
        search_history(shown, value_label=facts.value_label, maximize=maximize),
        interactive_history(shown, descriptions=descriptions(facts), value_label=facts.value_label, maximize=maximize),
    )
    status = facts.status
    sentence = f"{count(status.finished, 'trial')} finished: {states(facts)}."
    if facts.winner is not None:
        sentence += f" The best one is trial {facts.winner.number}; trials count from 0."
    return Section("How the search went", (Paragraph(sentence), picture))


def how_the_best_learned(facts: Facts) -> Section:
    """Learning curves, and the gap between training and validation."""
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
    table = Table(
        ("trial", "best epoch", f"training {what}", f"validation {what}", "gap"), tuple(rows), frozenset(range(5))
    )
    remark = (
        "Lines are validation, dashes training. The gap is by how much training looks better than validation at the "
        "best epoch. Training is measured on augmented images while the weights change, so a strong augmentation makes "
        "the gap negative; a large positive gap says that the network learned its images by heart. Epochs count from 0."
    )
    return Section("How the best trials learned", (picture, table, Paragraph(remark)))


def what_mattered(importances: tuple[Importance, ...] | str) -> Section:
    """Which parameters set the best trials apart."""
    title = "Which parameters mattered"
    if isinstance(importances, str):
        return Section(title, (Paragraph(importances),))
    picture = Picture(
        "importances",
        "share of the importance of each searched parameter",
        importance_chart(importances),
        interactive_importances(importances),
    )
    remark = (
        "PED-ANOVA: how differently the parameter is spread among the best tenth of the complete trials, five at "
        "least, and among all of them. It says what mattered within this space and this budget, and with few trials "
        "it says little."
    )
    return Section(title, (picture, Paragraph(remark)))


def all_at_once(facts: Facts, importances: tuple[Importance, ...] | str) -> Section:
    """Parallel coordinates of the complete trials, through the parameters that mattered most."""
    title = "All complete trials at once"
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


def form_and_accuracy(facts: Facts) -> Section:
    """Depth, width and size of the networks against what they reached."""
    title = "Architecture against " + facts.metric.name.replace("_", " ")
    if facts.model:
        return Section(title, (Paragraph("The networks are the user's own: their form is not known here."),))
    shown = architectures(facts)
    picture = Picture(
        "architecture",
        f"{facts.value_label} by depth, by width and by number of parameters of the network",
        architecture_chart(shown, value_label=facts.value_label),
        interactive_architecture(shown, value_label=facts.value_label),
    )
    remark = "Hollow points were stopped early, or failed, and stand at the value that they had reached."
    return Section(title, (picture, Paragraph(remark)))


def what_pruning_saved(facts: Facts) -> Section:
    """Stopped trials and the device time that the epochs they did not run would have taken."""
    efforts = [effort_of(trial) for trial in facts.trials]
    trained = sum(effort.trained_seconds for effort in efforts)
    saved = sum(effort.saved_seconds for effort in efforts)
    title = "What pruning saved"
    if trained == 0:
        return Section(title, (Paragraph("No trial finished an epoch."),))
    pruned = [trial for trial in facts.in_state("pruned") if trial.failure != OVER_A_LIMIT]
    sentence = (
        f"{len(pruned)} of {count(len(facts.trials), 'trial')} were stopped early. All trials together took "
        f"{duration(trained)} of device time; the epochs that were not run would have taken about {duration(saved)} "
        f"more, {saved / (trained + saved):.0%} of the whole: each at the mean pace of its own trial."
        if pruned
        else f"No trial was stopped early. All together took {duration(trained)} of device time."
    )
    if facts.status.over_limit:
        sentence += f" Another {count(facts.status.over_limit, 'trial')} cost nothing: over a limit, and not trained."
    picture = Picture(
        "pruning",
        "device time of every trial by its number, and what pruning saved of it",
        effort_chart(efforts),
        interactive_effort(efforts),
    )
    return Section(title, (Paragraph(sentence), picture))


def what_failed(facts: Facts) -> Section:
    """Failures by kind, with what to do."""
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
    table = Table(("kind", "trials", "numbers", "the first one's reason", "what to do"), rows, frozenset({1}))
    return Section("Failures", (table,))
