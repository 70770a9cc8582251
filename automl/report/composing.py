"""The whole report of a study, section by section."""

from __future__ import annotations

from automl.figures.search.importances import Importance
from automl.report.document import Headline, Report, Section
from automl.report.facts import Facts, TestAccess, best_result, effort_of
from automl.report.sections.calibration_section import calibration_section
from automl.report.sections.confirmation_section import confirmation_section
from automl.report.sections.search_sections import (
    architecture_section,
    baseline_section,
    count_states,
    data_and_space_section,
    failure_section,
    history_section,
    importance_section,
    learning_curve_section,
    parallel_section,
    pruning_section,
)
from automl.report.sections.time_section import time_section
from automl.report.sections.trade_off_section import trade_off_section
from automl.report.sections.winner_sections import (
    class_section,
    confident_error_section,
    cost_section,
    reproduction_section,
    winner_section,
)
from automl.report.winner import TestEvaluation
from automl.report.words import count, duration, interval


def compose(
    facts: Facts,
    *,
    evaluation: TestEvaluation | None,
    accesses: tuple[TestAccess, ...],
    importances: tuple[Importance, ...] | str,
) -> Report:
    """Compose all sections in order. `evaluation` is None if no trial is complete."""
    name = facts.record.name
    sections = _with_winner(facts, evaluation, accesses, importances) if evaluation else _without_winner(facts)
    return Report(f"Search {name}", _lead(facts), _headlines(facts, evaluation), sections)


def _with_winner(
    facts: Facts,
    evaluation: TestEvaluation,
    accesses: tuple[TestAccess, ...],
    importances: tuple[Importance, ...] | str,
) -> tuple[Section, ...]:
    choice, test = facts.choice, evaluation.test
    assert choice is not None
    return (
        winner_section(facts, choice, evaluation, accesses),
        confirmation_section(facts),
        data_and_space_section(facts, evaluation),
        history_section(facts),
        time_section(facts),
        baseline_section(facts),
        learning_curve_section(facts),
        importance_section(importances),
        parallel_section(facts, importances),
        architecture_section(facts),
        trade_off_section(facts),
        pruning_section(facts),
        *((class_section(test), confident_error_section(test)) if test else ()),
        *calibration_section(evaluation),
        failure_section(facts),
        cost_section(facts),
        reproduction_section(facts, choice),
    )


def _without_winner(facts: Facts) -> tuple[Section, ...]:
    return (
        data_and_space_section(facts, None),
        history_section(facts),
        time_section(facts),
        pruning_section(facts),
        failure_section(facts),
        cost_section(facts),
        reproduction_section(facts, None),
    )


def _lead(facts: Facts) -> str:
    specification = facts.record.specification
    searched = (
        f"{count(facts.status.finished, 'trial')} on {specification.data.name} in the space "
        f"{specification.space.name}, chosen by {facts.value_label}, begun {facts.record.created_at:%Y-%m-%d}."
    )
    if facts.winner is None:
        return f"{searched} No trial is complete, so there is no best trial: {_states(facts)}."
    return searched


def _states(facts: Facts) -> str:
    over = f", {facts.status.over_limit} were over a limit" if facts.status.over_limit else ""
    return f"{facts.stopped} were pruned{over} and {facts.status.failed} failed"


def _headlines(facts: Facts, evaluation: TestEvaluation | None) -> tuple[Headline, ...]:
    effort = Headline(
        "device time", duration(sum(effort_of(trial).trained_seconds for trial in facts.trials)), "in epochs"
    )
    trials = Headline(
        "trials",
        str(facts.status.finished),
        count_states(facts),
    )
    return (*(_accuracies(facts, evaluation) if evaluation else ()), trials, effort)


def _accuracies(facts: Facts, evaluation: TestEvaluation) -> tuple[Headline, ...]:
    assert facts.choice is not None
    chosen = facts.choice.trial
    result = best_result(chosen)
    found = result.validation_accuracy
    validation, test = evaluation.splits.get("validation"), evaluation.test
    remark = f"95 %: {interval(validation.interval(found))}" if validation else f"trial {chosen.number}"
    headlines = [Headline("validation accuracy", f"{found:.4f}", remark)]
    if test:
        bounds = interval(test.scores.accuracy_interval)
        headlines.insert(0, Headline("test accuracy", f"{test.scores.accuracy:.4f}", f"95 %: {bounds}"))
        majority = evaluation.splits["test"].majority_share
        headlines.append(
            Headline("majority class", f"{majority:.4f}", f"of test, always predicting “{evaluation.majority_class}”")
        )
    if facts.metric.name != "accuracy":
        headlines.insert(0, Headline(facts.value_label, f"{facts.metric.of(result):.4f}", "chose the best trial"))
    return tuple(headlines)
