"""Notes in words: a finished trial, and a study with its specification and its best trial."""

from __future__ import annotations

from collections.abc import Sequence

from automl.metrics import METRICS, EpochResult
from automl.models.rates import TRAINING_UNITS, Rates
from automl.recipe import Recipe, in_words
from automl.results.trials import OVER_A_LIMIT, TrialRecord
from automl.sanitize import shell_word
from automl.spaces.parameters import Parameter
from automl.study.limits import in_words as in_words_of_limits
from automl.study.record import StudyRecord
from automl.study.specification import Confirms

REMEDIES = {
    "diverged": "The loss became NaN or infinite: lower the largest learning rate of the space.",
    "hung": "A step of the training never ended: look at what the network waits for.",
    "out of memory": "Lower the largest batch size, width or depth of the space, or let fewer workers share a GPU.",
    "refused": "The recipe does not fit the images: narrow the space.",
    "out of time": "Raise --trial-timeout, or lower the largest width, depth or number of epochs of the space.",
    "worker lost": "Its workers vanished one after another: look for the reason in their logs and in the system's.",
    "bug": "An error in the code; `automl show TRIAL` prints its traceback.",
}
"""What to do about a failure, by its kind."""
REASON_LETTERS = 1500
UNITS_SHOWN = ("layer", "multiply-accumulate")
"""Units of work whose seconds a study's note shows."""
MOST_EQUALS = 10
"""Numbers of equal trials that a note names."""
BEHIND = "it was behind the other trials at the same epoch"
HEADLINES = {"complete": "Complete", "pruned": "Pruned", "failed": "Failed"}


def trial_note(record: StudyRecord, trial: TrialRecord) -> str:
    """A finished trial as Markdown: its result, its recipe in words, and, if it failed, why and what to do."""
    parts = [f"**{_headline(trial)}**"]
    if trial.recipe:
        parts.append(_recipe(record, trial))
    parts += _figures(record, trial)
    parts += trial.remarks()
    if trial.reason:
        parts.append(f"```\n{trial.reason.strip()[-REASON_LETTERS:]}\n```")
    if trial.state != "complete":
        parts.append(REMEDIES.get(trial.failure or "", ""))
    if trial.recipe:
        parts.append(_repetition(record, trial))
    return "\n\n".join(part for part in parts if part)


def _recipe(record: StudyRecord, trial: TrialRecord) -> str:
    words = in_words(Recipe.from_mapping(trial.recipe), model=record.specification.model)
    return "\n".join(f"- {part}" for part in words.split("; "))


def _headline(trial: TrialRecord) -> str:
    if trial.failure == OVER_A_LIMIT:
        return "Not trained: its network is over a limit of the study"
    kind = trial.failure or (BEHIND if trial.state == "pruned" else "")
    return HEADLINES[trial.state] + (f": {kind}" if kind else "")


def _figures(record: StudyRecord, trial: TrialRecord) -> list[str]:
    """A table of the best epoch, and what the trial cost."""
    done = len(trial.epochs)
    if not done:
        return []
    best = next(result for result in trial.epochs if result.epoch == trial.best_epoch)
    size = "" if trial.parameters is None else f"{trial.parameters:,} parameters, "
    seconds = sum(result.seconds for result in trial.epochs)
    planned = trial.recipe.get("epochs", done)
    return [
        f"Best epoch: {best.epoch} (from 0), chosen by validation {_spoken(record.specification.metric)}\n\n"
        f"{_table(best)}",
        f"{size}{done} of {planned} epochs in {seconds:.1f} s",
    ]


def _table(best: EpochResult) -> str:
    rows = [
        ("accuracy", f"{best.train_accuracy:.4f}", f"{best.validation_accuracy:.4f}"),
        ("macro F1", "", f"{best.validation_macro_f1:.4f}"),
        ("balanced accuracy", "", f"{best.validation_balanced_accuracy:.4f}"),
        ("loss (nats)", f"{best.train_loss:.4f}", f"{best.validation_loss:.4f}"),
    ]
    return "\n".join(("| | training | validation |", "| --- | ---: | ---: |", *(f"| {' | '.join(r)} |" for r in rows)))


def _repetition(record: StudyRecord, trial: TrialRecord) -> str:
    return (
        "Again, without a search:\n\n```\n"
        f"automl show {trial.number} {shell_word(record.name)} --recipe > recipe.yaml\n"
        f"automl train recipe.yaml --data {shell_word(record.specification.data.reference)} --export model.pt\n```"
    )


def study_note(record: StudyRecord, best: TrialRecord | None, *, equals: Sequence[int] = ()) -> str:
    """A study as Markdown: its best trial so far, and what is searched, on what, and how.

    `equals`: numbers of the trials whose values are the best one's.
    """
    specification = record.specification
    data, space = specification.data, specification.space
    channels, height, width = data.image_shape
    rows = {
        "data": f"{data.name} (`{data.reference}`, fingerprint {data.fingerprint[:12]})",
        "images": f"{channels} × {height} × {width} (channels, height, width)",
        "classes": f"{len(data.class_names)}",
        "space": space.name,
        "speed": _speed(specification.rates),
        "network": specification.model or "automl's own family",
        "chosen by": f"validation {_spoken(specification.metric)}",
        "limits": in_words_of_limits(specification) or "none",
        "sampler": specification.sampler,
        "pruner": specification.pruner,
        "seed": str(specification.seed),
        "weights kept": f"of the best {specification.keep} trials",
    }
    if specification.confirms is not None:
        rows = {"confirms": _confirms(specification.confirms), **rows, "weights kept": "of all trials"}
    rows = {name: value for name, value in rows.items() if value}
    table = "\n".join(("| | |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in rows.items())))
    searched = "\n".join(_searched(parameter) for parameter in space.parameters if parameter.is_searched)
    if specification.confirms is not None:
        searched = ""
    elif space.function:
        searched = f"Recipes are sampled by the function {space.function}."
    return "\n\n".join(part for part in (_best(record, best, equals), table, searched) if part)


def _speed(rates: Rates | None) -> str:
    """What the space was built from; empty where nothing was measured."""
    if rates is None:
        return ""
    layer, multiply_accumulate = (rates.images.training[TRAINING_UNITS.index(unit)] for unit in UNITS_SHOWN)
    return (
        f"{rates.device}: {layer * 1e6:.0f} µs a layer and step, "
        f"{multiply_accumulate * 1e9:.3g} ms for a million multiply-accumulates of an image"
    )


def _confirms(confirms: Confirms) -> str:
    return f"the best recipes of study {confirms.study}, with new seeds and {confirms.epochs_factor:g} × the epochs"


def _searched(parameter: Parameter) -> str:
    conditions = " and ".join(map(str, parameter.when))
    return f"- {parameter.name}: {parameter.distribution}" + (f" (where {conditions})" if conditions else "")


def _best(record: StudyRecord, best: TrialRecord | None, equals: Sequence[int]) -> str:
    if best is None:
        return "**No trial is complete yet.**"
    metric = _spoken(record.specification.metric)
    return (
        f"**Best: trial {best.number}, validation {metric} {best.value:.4f}** at epoch {best.best_epoch} (from 0)"
        f"{_in_words(equals)}\n\n"
        f"{_recipe(record, best)}\n\n```\nautoml best {shell_word(record.name)} --export model.pt\n```"
    )


def _in_words(equals: Sequence[int]) -> str:
    if not equals:
        return ""
    several = len(equals) > 1
    listed = ", ".join(map(str, equals[:MOST_EQUALS])) + (", …" if len(equals) > MOST_EQUALS else "")
    return f". Trial{'s' if several else ''} {listed} reached the same value; of equal trials the oldest is the best"


def _spoken(metric: str) -> str:
    return METRICS[metric].name.replace("_", " ")
