"""The whole report of a study, section by section."""

from __future__ import annotations

from automl.figures.search.importances import Importance
from automl.report.document import Document, Headline, Section
from automl.report.facts import Facts, Opening, best_result, effort_of
from automl.report.sections.calibration_section import how_honest
from automl.report.sections.confirmation_section import without_luck
from automl.report.sections.search_sections import (
    all_at_once,
    form_and_accuracy,
    how_it_went,
    how_the_best_learned,
    states,
    what_each_rung_bought,
    what_failed,
    what_mattered,
    what_pruning_saved,
    what_was_searched,
)
from automl.report.sections.trade_off_section import what_accuracy_costs
from automl.report.sections.winner_sections import class_by_class, cost, repeat_it, surely_wrong, the_winner
from automl.report.winner import Examination
from automl.report.words import count, duration, interval


def compose(
    facts: Facts,
    *,
    examination: Examination | None,
    openings: tuple[Opening, ...],
    importances: tuple[Importance, ...] | str,
) -> Document:
    """Everything in its order; `examination` is None where no trial is complete."""
    name = facts.record.name
    sections = _with_winner(facts, examination, openings, importances) if examination else _without_winner(facts)
    return Document(f"Search {name}", _lead(facts), _headlines(facts, examination), sections)


def _with_winner(
    facts: Facts,
    examination: Examination,
    openings: tuple[Opening, ...],
    importances: tuple[Importance, ...] | str,
) -> tuple[Section, ...]:
    choice, test = facts.choice, examination.test
    assert choice is not None
    return (
        the_winner(facts, choice, examination, openings),
        without_luck(facts),
        what_was_searched(facts, examination),
        how_it_went(facts),
        what_each_rung_bought(facts),
        how_the_best_learned(facts),
        what_mattered(importances),
        all_at_once(facts, importances),
        form_and_accuracy(facts),
        what_accuracy_costs(facts),
        what_pruning_saved(facts),
        *((class_by_class(test), surely_wrong(test)) if test else ()),
        *how_honest(examination),
        what_failed(facts),
        cost(facts),
        repeat_it(facts, choice),
    )


def _without_winner(facts: Facts) -> tuple[Section, ...]:
    return (
        what_was_searched(facts, None),
        how_it_went(facts),
        what_pruning_saved(facts),
        what_failed(facts),
        cost(facts),
        repeat_it(facts, None),
    )


def _lead(facts: Facts) -> str:
    specification = facts.record.specification
    searched = (
        f"{count(facts.status.finished, 'trial')} on {specification.data.name} in the space "
        f"{specification.space.name}, chosen by {facts.value_label}, begun {facts.record.created_at:%Y-%m-%d}."
    )
    if facts.winner is None:
        return f"{searched} No trial is complete, so there is no winner: {_states(facts)}."
    return searched


def _states(facts: Facts) -> str:
    over = f", {facts.status.over_limit} were over a limit" if facts.status.over_limit else ""
    return f"{facts.stopped} were stopped early{over} and {facts.status.failed} failed"


def _headlines(facts: Facts, examination: Examination | None) -> tuple[Headline, ...]:
    effort = Headline(
        "device time", duration(sum(effort_of(trial).trained_seconds for trial in facts.trials)), "in epochs"
    )
    trials = Headline(
        "trials",
        str(facts.status.finished),
        states(facts),
    )
    return (*(_accuracies(facts, examination) if examination else ()), trials, effort)


def _accuracies(facts: Facts, examination: Examination) -> tuple[Headline, ...]:
    assert facts.choice is not None
    chosen = facts.choice.trial
    result = best_result(chosen)
    found = result.validation_accuracy
    validation, test = examination.splits.get("validation"), examination.test
    remark = f"95 %: {interval(validation.interval(found))}" if validation else f"trial {chosen.number}"
    headlines = [Headline("validation accuracy", f"{found:.4f}", remark)]
    if test:
        bounds = interval(test.evaluation.accuracy_interval)
        headlines.insert(0, Headline("test accuracy", f"{test.evaluation.accuracy:.4f}", f"95 %: {bounds}"))
        majority = examination.splits["test"].majority_share
        headlines.append(
            Headline("majority class", f"{majority:.4f}", f"of test, always saying “{examination.majority_class}”")
        )
    if facts.metric.name != "accuracy":
        headlines.insert(0, Headline(facts.value_label, f"{facts.metric.of(result):.4f}", "chose the winner"))
    return tuple(headlines)
