"""Section about the time: how it was split, what was lost, how soon the model was good, how true the forecast was."""

from __future__ import annotations

from automl.figures.interactive.plotly_time import interactive_best_over_time, interactive_forecasts
from automl.figures.search.forecasts import CLOSE, forecast_chart, median_ratio
from automl.figures.search.time_course import PhaseSpan, best_over_time, best_so_far
from automl.report.document import Block, Paragraph, Picture, ReportTable, Section
from automl.report.facts import Facts
from automl.report.trial_points import forecast_paces, timed_trials
from automl.report.words import count, duration


def time_section(facts: Facts) -> Section:
    """Phases, share of the workers' time that left nothing, the best exportable model over time, and the forecast."""
    return Section("Time", (ReportTable(("", ""), tuple(_rows(facts))), *_picture(facts), *_forecasts(facts)))


def _rows(facts: Facts) -> list[tuple[str, str]]:
    status = facts.status
    rows = [("used", duration(status.active_seconds) + _of_the_budget(facts))]
    if status.time is not None:
        rows += [
            (str(name), f"{duration(end - start)}, from {duration(start)} on") for name, start, end in status.time.spans
        ]
    rows.append(("on trials", f"{duration(status.device_seconds)} of all workers together"))
    lost = f"{status.lost_share:.1%} ({duration(status.lost_seconds)}), in trials that failed or wait again"
    return [*rows, ("left nothing", lost)]


def _of_the_budget(facts: Facts) -> str:
    moment = facts.status.time
    if moment is None:
        return ""
    return f" of {duration(moment.budget_seconds)}, {duration(moment.seconds_left)} left"


def _picture(facts: Facts) -> tuple[Block, ...]:
    trials = timed_trials(facts)
    if not trials:
        return ()
    moment, maximize = facts.status.time, facts.metric.maximize
    phases = [PhaseSpan(*span) for span in moment.spans] if moment else []
    end = max(facts.status.active_seconds, *(trial.seconds for trial in trials))
    picture = Picture(
        "best-over-time",
        f"{facts.value_label} of the best model that could be exported, over the time of the study",
        best_over_time(trials, phases, end=end, value_label=facts.value_label, maximize=maximize),
        interactive_best_over_time(trials, phases, end=end, value_label=facts.value_label, maximize=maximize),
    )
    first = best_so_far(trials, maximize=maximize)[0]
    return (
        picture,
        Paragraph(f"The first complete model, trial {first.number}, was there after {duration(first.seconds)}."),
    )


def _forecasts(facts: Facts) -> tuple[Block, ...]:
    paces = forecast_paces(facts)
    if not paces:
        return ()
    picture = Picture(
        "forecasts",
        "Seconds of an epoch, as forecast when the study was created and as they were",
        forecast_chart(paces),
        interactive_forecasts(paces),
    )
    close = sum(pace.is_close for pace in paces)
    told = (
        f"An epoch took {median_ratio(paces):.2f} times its forecast by median; of {count(len(paces), 'trial')}, "
        f"{close} had a forecast within {CLOSE:.0%}. Workers correct theirs by what they see."
    )
    return (picture, Paragraph(told))
