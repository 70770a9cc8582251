"""Sections about the best trial: its metrics on both splits, its errors, its cost, and how to reproduce it."""

from __future__ import annotations

import platform
from datetime import UTC
from importlib import metadata

from automl.confirmation.confirmed import RecommendedTrial
from automl.figures.images.confusion import confusion_matrix
from automl.figures.images.misclassified import misclassified_sheet
from automl.figures.interactive.plotly_tables import interactive_confusion
from automl.report.document import Commands, Paragraph, Picture, ReportTable, Section
from automl.report.facts import Facts, TestAccess, best_result, effort_of
from automl.report.winner import TestEvaluation, TestResults
from automl.report.words import count, duration, interval, recipe_of, size_of
from automl.sanitize import shell_word

PACKAGES = ("optuna-automl", "torch", "optuna", "numpy", "scikit-learn")
RECIPE_FILE = "recipe.yaml"
SPLIT_FIGURES = {"macro F1": "macro_f1", "balanced accuracy": "balanced_accuracy", "loss (nats)": "loss"}
UNKNOWN = "–"


def winner_section(
    facts: Facts, choice: RecommendedTrial, evaluation: TestEvaluation, accesses: tuple[TestAccess, ...]
) -> Section:
    """Recipe in words, and metrics on both splits."""
    trial = choice.trial
    result, test = best_result(trial), evaluation.test
    shown = {
        "accuracy": (result.validation_accuracy, test.scores.accuracy if test else None),
        **{
            label: (
                getattr(result, f"validation_{name}"),
                getattr(test.scores, name) if test else None,
            )
            for label, name in SPLIT_FIGURES.items()
        },
    }
    rows = [
        (name, *(UNKNOWN if value is None else f"{value:.4f}" for value in values)) for name, values in shown.items()
    ]
    rows[1:1] = _accuracy_rows(evaluation, result.validation_accuracy)
    table = ReportTable(("", "validation", "test"), tuple(rows), frozenset({1, 2}))
    what = (
        f"Trial {trial.number}{_of_which(choice)}, {size_of(trial)} parameters, best at epoch {trial.best_epoch} of "
        f"{len(trial.epochs)} (from 0): {recipe_of(trial, model=facts.model)}"
    )
    caution = (
        f"The validation metrics are the best of {_how_many(facts, choice)} and chose this trial, so they are "
        "optimistic. The test metrics chose nothing. " + _test_accesses(accesses)
    )
    missing = tuple(Paragraph(f"Missing: {sentence}.".replace("..", ".")) for sentence in evaluation.missing)
    return Section("Best trial", (Paragraph(what), table, Paragraph(caution), *missing))


def _of_which(choice: RecommendedTrial) -> str:
    """Name the study of the trial, if it is the confirmation."""
    found = choice.confirmation
    if not choice.is_confirmed or found is None or found.winner is None:
        return ""
    seeds = count(len(found.winner.values), "new seed")
    return f" of study {choice.record.name} (the best of {seeds} of trial {found.winner.trial}'s recipe)"


def _how_many(facts: Facts, choice: RecommendedTrial) -> str:
    found = choice.confirmation
    if not choice.is_confirmed or found is None or found.winner is None:
        return count(len(facts.best_first), "complete trial")
    return count(len(found.winner.values), "seed")


def _accuracy_rows(evaluation: TestEvaluation, validation_accuracy: float) -> list[tuple[str, str, str]]:
    """The interval, the majority class and the number of images, under the accuracy."""
    validation, test = evaluation.splits.get("validation"), evaluation.splits.get("test")
    tested = evaluation.test.scores if evaluation.test else None
    return [
        (
            "95 % interval of the accuracy",
            interval(validation.interval(validation_accuracy)) if validation else UNKNOWN,
            interval(tested.accuracy_interval) if tested else UNKNOWN,
        ),
        (
            f"majority class “{evaluation.majority_class}”" if evaluation.majority_class else "majority class",
            f"{validation.majority_share:.4f}" if validation else UNKNOWN,
            f"{test.majority_share:.4f}" if test else UNKNOWN,
        ),
        (
            "images",
            f"{validation.images:,}" if validation else UNKNOWN,
            f"{test.images:,}" if test else UNKNOWN,
        ),
    ]


def _test_accesses(accesses: tuple[TestAccess, ...]) -> str:
    if not accesses:
        return "The test split was never accessed."
    entries = [f"{one.accessed_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC by {one.command}" for one in accesses]
    shown = entries if len(entries) <= 5 else [*entries[:2], "…", *entries[-2:]]
    times = "once" if len(entries) == 1 else f"{len(entries)} times"
    return f"The test split was accessed {times}: {'; '.join(shown)}."


def class_section(test: TestResults) -> Section:
    """Confusion matrix and scikit-learn's classification report."""
    matrix_KK, class_names = test.scores.confusion_KK, test.scores.class_names
    picture = Picture(
        "confusion",
        "images of the test split by true class and predicted class",
        confusion_matrix(matrix_KK, class_names),
        interactive_confusion(matrix_KK, class_names),
    )
    rows = tuple(
        (name, *(f"{row[figure]:.3f}" for figure in ("precision", "recall", "f1-score")), f"{row['support']:,.0f}")
        for name, row in test.by_class.items()
    )
    table = ReportTable(("class", "precision", "recall", "F1", "images"), rows, frozenset({1, 2, 3, 4}))
    return Section("Test results by class", (picture, table))


def confident_error_section(test: TestResults) -> Section:
    """Images that were misclassified with the highest probabilities."""
    title = "Most confident errors"
    wrong = test.scores.n - int(test.scores.confusion_KK.trace())
    if not wrong:
        return Section(title, (Paragraph("No image of the test split was misclassified."),))
    which = f"the {len(test.errors)} most confident" if len(test.errors) < wrong else "all of them"
    sentence = (
        f"{wrong:,} of {test.scores.n:,} images of the test split were misclassified. The picture has {which}, with "
        "the probability of the wrong class. Some of the labels may be wrong, not the network."
    )
    picture = Picture(
        "misclassified",
        "misclassified images with true and predicted class",
        misclassified_sheet(test.errors, test.scores.class_names),
        None,
    )
    return Section(title, (Paragraph(sentence), picture))


def cost_section(facts: Facts) -> Section:
    """Trials, device time, wall time."""
    efforts = [effort_of(trial) for trial in facts.trials]
    trained = sum(effort.trained_seconds for effort in efforts)
    rows = [
        ("trials", count(len(facts.trials), "finished trial")),
        ("epochs", f"{sum(len(trial.epochs) for trial in facts.trials):,}"),
        ("device time", f"{duration(trained)} ({trained / 3600:.3f} device hours) in epochs, validation included"),
        ("wall time", f"{duration(facts.status.active_seconds)} while workers were active"),
        *_confirmation_cost(facts),
        *(("device", device) for device in facts.devices),
    ]
    return Section("Compute cost", (ReportTable(("", ""), tuple(rows)),))


def _confirmation_cost(facts: Facts) -> tuple[tuple[str, str], ...]:
    if facts.confirmation is None:
        return ()
    trials, seconds = count(facts.confirmation.finished, "trial"), facts.confirmation_seconds
    return (("confirmation", f"{trials}, {duration(seconds)} ({seconds / 3600:.3f} device hours) in addition"),)


def reproduction_section(facts: Facts, choice: RecommendedTrial | None) -> Section:
    """Versions, seeds and commands."""
    specification, trial = facts.record.specification, choice.trial if choice else None
    rows = [(package, metadata.version(package)) for package in PACKAGES]
    rows.append(("Python", f"{platform.python_version()} on {platform.system()} {platform.machine()}"))
    rows.append(("seed of the study", f"{specification.seed}: for splits and samplers"))
    versions = "The versions are those that wrote this report."
    if trial is None:
        return Section("Versions and seeds", (ReportTable(("", ""), tuple(rows)), Paragraph(versions)))
    rows.append((f"seed of trial {trial.number}", f"{trial.recipe['seed']}: of weights, order and augmentation"))
    if trial.threads is not None:
        rows.append(("CPU threads", f"{trial.threads}, on which the last bits of the metrics depend"))
    name, data = shell_word(trial.study), shell_word(specification.data.reference)
    commands = Commands(
        (
            f"automl show {trial.number} {name} --recipe > {RECIPE_FILE}",
            f"automl train {RECIPE_FILE} --data {data} --export model.pt",
        )
    )
    what = f"These commands train the best trial again. {RECIPE_FILE} is beside this report already."
    return Section("Reproduce", (Paragraph(f"{what} {versions}"), commands, ReportTable(("", ""), tuple(rows))))
