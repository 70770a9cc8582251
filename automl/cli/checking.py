"""What `automl check` does; imported only then, as torch and Optuna take seconds."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from pathlib import Path

import torch

from automl.application.planning import Plan, make_plan, wishes_of
from automl.artifacts.store import open_artifacts
from automl.cli.check_answers import Answer, print_answer
from automl.cli.live import decoding_progress
from automl.cli.search_command import default_workers
from automl.cli.terminal import print_json, tell
from automl.errors import TrainingError
from automl.preflight import environment_checks as surroundings
from automl.preflight.model_checks import ModelCheck, ModelChecks
from automl.settings import Settings


def check(arguments: argparse.Namespace) -> None:
    """Look at everything, print what was found, then fail if something is wrong.

    Raises: TrainingError with what is wrong; other AutomlErrors for data, a space or a device that cannot be used.
    """
    settings = Settings.read()
    home = settings.home(arguments.home)
    with decoding_progress() as on_progress:
        plan = make_plan(wishes_of(arguments), settings, home=home, on_progress=on_progress)
    for line in plan.lines():
        tell(line)
    answer = _found(arguments, plan, settings, home=home, workers=arguments.workers or default_workers())
    if arguments.json:
        print_json(answer.as_dict())
    else:
        print_answer(answer)
    if problems := answer.problems():
        raise TrainingError("\n".join(problems))


def _found(arguments: argparse.Namespace, plan: Plan, settings: Settings, *, home: Path, workers: int) -> Answer:
    artifacts = open_artifacts(settings.artifacts(arguments.artifacts, home=home), settings.values)
    torch.set_num_threads(max(1, (os.cpu_count() or 1) // workers))  # as a worker computes
    device, of_device = surroundings.check_device(arguments.device, plan.data.image_shape)
    checks = ModelChecks(plan.specification, plan.data, home=home, workers=workers, device=device)
    largest, kept = checks.sized[-1].parameters, plan.specification.keep
    findings = (
        surroundings.check_storage(settings.get("AUTOML_STORAGE", arguments.storage), home=home),
        surroundings.check_artifacts(artifacts),
        surroundings.check_disk(artifacts.disk, parameters=largest, models=kept, workers=workers),
        surroundings.check_wandb(settings.values, home=home),
        of_device,
    )
    return Answer(findings, tuple(_followed(checks)), workers, plan.budget)


def _followed(checks: ModelChecks) -> Iterator[ModelCheck]:
    """The checks, each told when it is over: a large network takes minutes."""
    for model in checks.run():
        tell(f"model  the {model.sized.size} of the space: {'a problem' if model.problem else 'learns'}")
        yield model
