"""Samplers by name: who proposes the next recipe."""

from __future__ import annotations

import optuna
from optuna.samplers import BaseSampler

from automl.errors import StudyError
from automl.storage.optuna_internals import accepted_experiments
from automl.study.specification import SAMPLERS
from automl.worker.strategies.local_sampler import LocalSampler

LOCAL_STARTUP_TRIALS = 5
"""Trials before TPE models anything, where it has only a share of the proposals."""


def build_sampler(name: str, *, seed: int) -> BaseSampler:
    """The sampler of this name, with a worker's own seed.

    `grid` fixes every parameter in the queue, so what samples behind it never decides.

    Raises: StudyError for an unknown name.
    """
    with accepted_experiments():
        if name == "tpe":
            return _tpe(seed)
        if name == "local":
            return LocalSampler(_tpe(seed, startup_trials=LOCAL_STARTUP_TRIALS), seed=seed)
        if name in ("random", "grid"):
            return optuna.samplers.RandomSampler(seed=seed)
        if name == "gp":
            return optuna.samplers.GPSampler(seed=seed, independent_sampler=optuna.samplers.RandomSampler(seed=seed))
        if name == "qmc":
            return optuna.samplers.QMCSampler(scramble=True, seed=seed, warn_independent_sampling=False)
    raise StudyError(f"Unknown sampler {name!r}. Known: {', '.join(SAMPLERS)}.")


def _tpe(seed: int, *, startup_trials: int = 10) -> optuna.samplers.TPESampler:
    # group: conditional parameters stay in the joint model; constant_liar: workers do not propose the same.
    return optuna.samplers.TPESampler(
        seed=seed, multivariate=True, group=True, constant_liar=True, n_startup_trials=startup_trials
    )


def worker_seed(seed: int, worker_index: int) -> int:
    """A seed of its own for the worker with this index, so that workers of one study draw differently."""
    return (seed * 1_000_003 + worker_index * 7_919) % 2**31
