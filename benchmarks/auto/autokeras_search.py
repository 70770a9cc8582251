"""AutoKeras for the same minutes, in an environment of its own: it imports nothing of this project.

`compare` writes the decoded splits into an .npz, so that all contenders see the same images.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import autokeras
import keras
import numpy as np
from keras_tuner.engine import trial as tuner_trials
from sklearn.metrics import balanced_accuracy_score

LEFT_FOR_THE_END = 20.0
"""Seconds before the end at which the search stops: the best model is loaded and tested after it."""


class Deadline(keras.callbacks.Callback):  # type: ignore[misc]
    """Ends a training when the time is over, and notes each epoch of a model that could be exported."""

    def __init__(self, started_at: float, ends_at: float) -> None:
        super().__init__()
        self.started_at, self.ends_at = started_at, ends_at
        self.improvements: list[tuple[float, float]] = []

    def on_train_batch_end(self, batch: int, logs: object = None) -> None:  # noqa: ARG002 - Keras's names
        """Stop in mid-epoch."""
        if time.time() > self.ends_at:
            self.model.stop_training = True

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:  # noqa: ARG002
        """Note the validation accuracy; AutoKeras saves its best epoch."""
        value = float((logs or {}).get("val_accuracy", 0.0))
        if not self.improvements or value > self.improvements[-1][1]:
            self.improvements.append((time.time() - self.started_at, value))

    def __deepcopy__(self, memo: object) -> Deadline:
        """Stay the same object: the tuner copies its callbacks for each trial."""
        return self


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("splits", type=Path)
    parser.add_argument("home", type=Path)
    parser.add_argument("record", type=Path)
    parser.add_argument("--metric", required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--started-at", type=float, required=True)
    options = parser.parse_args()
    ends_at = options.started_at + options.seconds - LEFT_FOR_THE_END
    with np.load(options.splits) as splits:
        arrays = {name: splits[name] for name in splits.files}
    search = autokeras.ImageClassifier(
        max_trials=1000, overwrite=True, directory=str(options.home / "autokeras"), seed=options.seed
    )
    deadline = Deadline(options.started_at, ends_at)
    stop_at(search.tuner.oracle, ends_at)
    search.fit(
        arrays["train_images"],
        arrays["train_labels"],
        validation_data=(arrays["validation_images"], arrays["validation_labels"]),
        callbacks=[deadline],
        verbose=2,
    )
    predicted = search.predict(arrays["test_images"]).ravel().astype(str)
    wanted = arrays["test_labels"].astype(str)
    balanced = options.metric == "balanced_accuracy"
    test = balanced_accuracy_score(wanted, predicted) if balanced else float((wanted == predicted).mean())
    document = {
        "improvements": deadline.improvements,
        "trials": len(search.tuner.oracle.trials),
        "seconds": time.time() - options.started_at,
        "test": float(test),
        "winner": "AutoKeras",
    }
    options.record.write_text(json.dumps(document), encoding="utf-8")


def stop_at(oracle: Any, ends_at: float) -> None:
    """Let the search end when the time is over: the tuner asks the oracle for each trial."""
    create_trial = oracle.create_trial

    def create_in_time(tuner_id: str) -> tuner_trials.Trial:
        if time.time() < ends_at:
            return create_trial(tuner_id)
        return tuner_trials.Trial(hyperparameters=oracle.get_space(), status=tuner_trials.TrialStatus.STOPPED)

    oracle.create_trial = create_in_time


if __name__ == "__main__":
    main()
