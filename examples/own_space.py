"""A search space in Python, for conditions that a file cannot say: python own_space.py."""

from typing import Any

from optuna import Trial

import automl


def propose(trial: Trial) -> dict[str, Any]:
    """Fields of a recipe. Those left out take their defaults (automl/recipe.py)."""
    depth = trial.suggest_int("depth", 1, 3)
    return {
        "depth": depth,
        "width": trial.suggest_int("width", 8, 64 // 2 ** (depth - 1)),  # a deeper network starts narrower
        "dropout": trial.suggest_float("dropout", 0.0, 0.4),
        "learning_rate": trial.suggest_float("learning_rate", 2e-3, 2e-2, log=True),
        "batch_size": 64,
        "epochs": 4,
    }


if __name__ == "__main__":
    result = automl.search("digits", space="own_space:propose", trials=2, workers=1, study="own-space")
    print(f"best validation accuracy {result.best.value:.3f} with {result.best.recipe['depth']} stages")
