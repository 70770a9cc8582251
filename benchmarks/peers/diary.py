"""What the diary did: recipes drawn at random, trained one by one in the notebook's loop, with a fixed patience."""

from __future__ import annotations

import copy
import os

import optuna
import torch

from automl.data.dataset import DataSet
from automl.recipe import Recipe
from benchmarks.notebook import NotebookTraining
from benchmarks.peers.task import PATIENCE, Record, Task, accuracy_on_test, task_from_command_line


def main() -> None:
    task, path = task_from_command_line(__doc__)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    run(task).write(path)


def run(task: Task) -> Record:
    """Search until the time is over, then look at the test split with the best network."""
    data, record, space = task.load(), Record(), task.space
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=task.seed))
    for values in space.first_recipes():
        study.enqueue_trial(space.optuna_params(values))
    best: tuple[dict[str, torch.Tensor], Recipe] | None = None
    while task.elapsed_seconds() < task.seconds:
        trial = study.ask()
        recipe = space.suggest(trial, seed=task.seed + trial.number)
        weights = train(recipe, data, task, record)
        best = (weights, recipe) if weights is not None else best
        study.tell(trial, 0.0)
        record.trials += 1
    if best is not None:
        record.test_accuracy = accuracy_on_test(*best, task)
    return record


def train(recipe: Recipe, data: DataSet, task: Task, record: Record) -> dict[str, torch.Tensor] | None:
    """Train until the patience or the time ends; the best weights, if they are the best of all trials."""
    training = NotebookTraining(
        recipe, data, device=torch.device("cpu"), loader_processes=2 if (os.cpu_count() or 1) > 2 else 0
    )
    weights, best, best_epoch = None, 0.0, 0
    for epoch, result in enumerate(training.epochs()):
        if task.elapsed_seconds() > task.seconds:
            break
        if result.validation_accuracy > best:
            best, best_epoch = result.validation_accuracy, epoch
        if record.note(task.elapsed_seconds(), result.validation_accuracy):
            weights = copy.deepcopy(training.model.state_dict())
        if epoch - best_epoch >= PATIENCE:
            break
    return weights


if __name__ == "__main__":
    main()
