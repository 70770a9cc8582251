"""Sections about the winner: what it is, how good it is on images that chose nothing, how to repeat it."""

from __future__ import annotations

import platform
import shlex
from datetime import UTC
from importlib import metadata

from automl.confirmation.confirmed import Choice
from automl.figures.images.confusion import confusion_matrix
from automl.figures.images.mistakes import mistakes_sheet
from automl.figures.interactive.tables import interactive_confusion
from automl.report.document import Commands, Paragraph, Picture, Section, Table
from automl.report.facts import Facts, Opening, best_result, effort_of
from automl.report.winner import Examination, OnTest
from automl.report.words import count, duration, interval, recipe_of, size_of

PACKAGES = ("optuna-automl", "torch", "optuna", "numpy", "scikit-learn")
RECIPE_FILE = "recipe.yaml"
SPLIT_FIGURES = {"macro F1": "macro_f1", "balanced accuracy": "balanced_accuracy", "loss (nats)": "loss"}
UNKNOWN = "–"


def the_winner(facts: Facts, choice: Choice, examination: Examination, openings: tuple[Opening, ...]) -> Section:
    """Its recipe in words, and its figures on both splits."""
    trial = choice.trial
    result, test = best_result(trial), examination.test
    shown = {
        "accuracy": (result.validation_accuracy, test.evaluation.accuracy if test else None),
        **{
            label: (
                getattr(result, f"validation_{name}"),
                getattr(test.evaluation, name) if test else None,
            )
            for label, name in SPLIT_FIGURES.items()
        },
    }
    rows = [
        (name, *(UNKNOWN if value is None else f"{value:.4f}" for value in values)) for name, values in shown.items()
    ]
    rows[1:1] = _accuracy_rows(examination, result.validation_accuracy)
    table = Table(("", "validation", "test"), tuple(rows), frozenset({1, 2}))
    what = (
        f"Trial {trial.number}{_of_which(choice)}, {size_of(trial)} parameters, best at epoch {trial.best_epoch} of "
        f"{len(trial.epochs)} (from 0): {recipe_of(trial, model=facts.model)}"
    )
    caution = (
        f"The validation figures are the best of {_how_many(facts, choice)} and chose the "
        "winner, so they flatter it; the test figures chose nothing. " + _openings(openings)
    )
    missing = tuple(Paragraph(f"Missing: {sentence}.".replace("..", ".")) for sentence in examination.missing)
    return Section("The winner", (Paragraph(what), table, Paragraph(caution), *missing))


def _of_which(choice: Choice) -> str:
    """What study the trial belongs to, where that is not plain."""
    found = choice.confirmation
    if not choice.is_confirmed or found is None or found.winner is None:
        return ""
    seeds = count(len(found.winner.values), "new seed")
    return f" of study {choice.record.name} (the best of {seeds} of trial {found.winner.trial}'s recipe)"


def _how_many(facts: Facts, choice: Choice) -> str:
    found = choice.confirmation
    if not choice.is_confirmed or found is None or found.winner is None:
        return count(len(facts.best_first), "complete trial")
    return count(len(found.winner.values), "seed")


def _accuracy_rows(examination: Examination, validation_accuracy: float) -> list[tuple[str, str, str]]:
    """The interval, the majority class and the number of images, under the accuracy."""
    validation, test = examination.splits.get("validation"), examination.splits.get("test")
    tested = examination.test.evaluation if examination.test else None
    return [
        (
            "95 % interval of the accuracy",
            interval(validation.interval(validation_accuracy)) if validation else UNKNOWN,
            interval(tested.accuracy_interval) if tested else UNKNOWN,
        ),
        (
            f"always saying “{examination.majority_class}”" if examination.majority_class else "majority class",
            f"{validation.majority_share:.4f}" if validation else UNKNOWN,
            f"{test.majority_share:.4f}" if test else UNKNOWN,
        ),
        (
            "images",
            f"{validation.images:,}" if validation else UNKNOWN,
            f"{test.images:,}" if test else UNKNOWN,
        ),
    ]


def _openings(openings: tuple[Opening, ...]) -> str:
    if not openings:
        return "The test split was never opened."
    looks = [f"{opening.opened_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC by {opening.command}" for opening in openings]
    shown = looks if len(looks) <= 5 else [*looks[:2], "…", *looks[-2:]]
    times = "once" if len(looks) == 1 else f"{len(looks)} times"
    return f"The test split was opened {times}: {'; '.join(shown)}."


def class_by_class(test: OnTest) -> Section:
    """Confusion matrix and scikit-learn's report."""
    matrix_KK, class_names = test.evaluation.confusion_KK, test.evaluation.class_names
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
    table = Table(("class", "precision", "recall", "F1", "images"), rows, frozenset({1, 2, 3, 4}))
    return Section("The test split, class by class", (picture, table))


def surely_wrong(test: OnTest) -> Section:
    """A sheet of the images that were misclassified with the highest probabilities."""
    title = "The images most surely misclassified"
    wrong = test.evaluation.n - int(test.evaluation.confusion_KK.trace())
    if not wrong:
        return Section(title, (Paragraph("Not one image of the test split was misclassified."),))
    which = f"the {len(test.mistakes)} that it was surest of" if len(test.mistakes) < wrong else "all of them"
    sentence = (
        f"{wrong:,} of {test.evaluation.n:,} images of the test split were misclassified; here are {which}, with the "
        "probability that the winner gave to the wrong class. Some of the labels may be wrong, not the network."
    )
    picture = Picture(
        "misclassified",
        "misclassified images with true and predicted class",
        mistakes_sheet(test.mistakes, test.evaluation.class_names),
        None,
    )
    return Section(title, (Paragraph(sentence), picture))


def cost(facts: Facts) -> Section:
    """Trials, device time, time on the clock."""
    efforts = [effort_of(trial) for trial in facts.trials]
    trained = sum(effort.trained_seconds for effort in efforts)
    rows = [
        ("trials", count(len(facts.trials), "finished trial")),
        ("epochs", f"{sum(len(trial.epochs) for trial in facts.trials):,}"),
        ("device time", f"{duration(trained)} ({trained / 3600:.3f} device hours) in epochs, validation included"),
        ("time on the clock", f"{duration(facts.status.active_seconds)} while workers were at work"),
        *_confirmation_cost(facts),
        *(("device", device) for device in facts.devices),
    ]
    return Section("What it cost", (Table(("", ""), tuple(rows)),))


def _confirmation_cost(facts: Facts) -> tuple[tuple[str, str], ...]:
    if facts.confirmation is None:
        return ()
    trials, seconds = count(facts.confirmation.finished, "trial"), facts.confirmation_seconds
    return (("confirmation", f"{trials}, {duration(seconds)} ({seconds / 3600:.3f} device hours) on top of it"),)


def repeat_it(facts: Facts, choice: Choice | None) -> Section:
    """Versions, seeds and commands."""
    specification, trial = facts.record.specification, choice.trial if choice else None
    rows = [(package, metadata.version(package)) for package in PACKAGES]
    rows.append(("Python", f"{platform.python_version()} on {platform.system()} {platform.machine()}"))
    rows.append(("seed of the study", f"{specification.seed}: of splits that were cut, and of the samplers"))
    versions = "The versions are those that wrote this report."
    if trial is None:
        return Section("Versions and seeds", (Table(("", ""), tuple(rows)), Paragraph(versions)))
    rows.append((f"seed of trial {trial.number}", f"{trial.recipe['seed']}: of weights, order and augmentation"))
    if trial.threads is not None:
        rows.append(("CPU threads", f"{trial.threads}, which the last bits of the figures depend on"))
    name, data = shlex.quote(trial.study), shlex.quote(specification.data.reference)
    commands = Commands(
        (
            f"automl show {trial.number} {name} --recipe > {RECIPE_FILE}",
            f"automl train {RECIPE_FILE} --data {data} --export model.pt",
        )
    )
    sentence = Paragraph(f"This trains the winner again; {RECIPE_FILE} lies beside this report already. {versions}")
    return Section("Do it again", (sentence, commands, Table(("", ""), tuple(rows))))
