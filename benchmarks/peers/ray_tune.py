"""Ray Tune with ASHA and its Optuna searcher, driving the notebook's loop: one trial a core.

Source: Ray's documentation of `tune.Tuner`, `OptunaSearch` (with a define-by-run space) and `ASHAScheduler`.
"""

from __future__ import annotations

import json
import os
from functools import partial
from pathlib import Path
from typing import Any

import optuna
import ray
import torch
from ray import tune
from ray.tune.schedulers import ASHAScheduler
from ray.tune.search.optuna import OptunaSearch

from automl.recipe import Recipe
from automl.spaces.space import SearchSpace
from benchmarks.notebook import NotebookTraining
from benchmarks.peers.task import EPOCHS, Record, Task, accuracy_on_test, task_from_command_line

GRACE_EPOCHS = 3
"""As many as our pruner's warm-up."""
LOCAL = "127.0.0.1"


def main() -> None:
    task, path = task_from_command_line(__doc__)
    run(task).write(path)


def run(task: Task) -> Record:
    """Search until the time is over, then look at the test split with the best network."""
    task.load()  # decoded once, before the trials
    ray.init(num_cpus=os.cpu_count(), include_dashboard=False, _node_ip_address=LOCAL, log_to_driver=False)
    space = task.space
    searcher = OptunaSearch(
        space=partial(drawn, space, task.seed),
        metric="accuracy",
        mode="max",
        points_to_evaluate=[space.optuna_params(recipe) for recipe in space.first_recipes()],
        sampler=optuna.samplers.TPESampler(seed=task.seed),
    )
    tuner = tune.Tuner(
        tune.with_resources(tune.with_parameters(train, task=task), {"cpu": 1}),
        tune_config=tune.TuneConfig(
            metric="accuracy",
            mode="max",
            search_alg=searcher,
            scheduler=ASHAScheduler(max_t=EPOCHS, grace_period=GRACE_EPOCHS),
            num_samples=-1,
            time_budget_s=task.seconds - task.elapsed_seconds(),
        ),
        run_config=tune.RunConfig(storage_path=str(task.home / "ray"), verbose=0),
    )
    results = tuner.fit()
    record = gathered(task)
    record.trials = len(results)
    ray.shutdown()
    return record


def drawn(space: SearchSpace, seed: int, trial: optuna.Trial) -> dict[str, Any]:
    """A trial's configuration; at the top of the module, since Ray pickles it."""
    return {"recipe": space.suggest(trial, seed=seed).as_dict()}


def train(config: dict[str, Any], task: Task) -> None:
    """One trial in a process of Ray's: it leaves its best weights, and when it had them."""
    torch.set_num_threads(1)
    recipe = Recipe.from_mapping(config["recipe"])
    training = NotebookTraining(recipe, task.load(), device=torch.device("cpu"), loader_processes=0)
    name, best, improvements = tune.get_context().get_trial_id(), 0.0, []
    for result in training.epochs():
        if result.validation_accuracy > best:
            best = result.validation_accuracy
            torch.save(training.model.state_dict(), task.home / f"{name}.weights")
            improvements.append((task.elapsed_seconds(), best))
            file = task.home / f"{name}.json"
            file.write_text(json.dumps({"recipe": recipe.as_dict(), "improvements": improvements}))
        tune.report({"accuracy": result.validation_accuracy})


def gathered(task: Task) -> Record:
    """The improvements of all trials in the order of time, and the best network's test accuracy."""
    files = {path: json.loads(path.read_text()) for path in task.home.glob("*.json")}
    record = Record()
    for seconds, accuracy in sorted(tuple(pair) for document in files.values() for pair in document["improvements"]):
        if seconds <= task.seconds:
            record.note(seconds, accuracy)
    if files:
        best = max(files, key=lambda path: files[path]["improvements"][-1][1])
        weights = torch.load(Path(best).with_suffix(".weights"), weights_only=True)
        record.test_accuracy = accuracy_on_test(weights, Recipe.from_mapping(files[best]["recipe"]), task)
    return record


if __name__ == "__main__":
    main()
