"""Numbers, networks and recipes in words."""

from __future__ import annotations

from automl.recipe import Recipe, in_words, network_in_words
from automl.results.trials import TrialRecord

MINUTE_SECONDS, HOUR_SECONDS = 60.0, 3600.0


def duration(seconds: float) -> str:
    """`48 s`, `12.5 min`, `3.20 h`."""
    if seconds < 2 * MINUTE_SECONDS:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
    return f"{seconds / MINUTE_SECONDS:.1f} min" if seconds < 2 * HOUR_SECONDS else f"{seconds / HOUR_SECONDS:.2f} h"


def count(number: int, one: str, many: str | None = None) -> str:
    """`1 trial`, `3 trials`, `1,200 images`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def interval(bounds: tuple[float, float]) -> str:
    """`0.960 to 0.997`."""
    return f"{bounds[0]:.3f} to {bounds[1]:.3f}"


def network_of(trial: TrialRecord, *, model: str | None) -> str:
    """Describe the network. `model`: the name of one of the user's own."""
    return model or network_in_words(Recipe.from_mapping(trial.recipe))


def recipe_of(trial: TrialRecord, *, model: str | None) -> str:
    """Describe the recipe in a sentence. `model`: the name of a network of the user's own."""
    return in_words(Recipe.from_mapping(trial.recipe), model=model) + "."


def size_of(trial: TrialRecord) -> str:
    """Format the number of parameters, if it is known."""
    return "" if trial.parameters is None else f"{trial.parameters:,}"
