"""Each trial as a run of Weights & Biases, which can neither slow, hang nor fail it."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal

from automl.tracking.wandb_courier import Courier
from automl.tracking.wandb_mode import Mode
from automl.training.result import EpochResult

DEFAULT_PROJECT = "automl"
OF_ANOTHER_RUN = ("WANDB_RUN_ID", "WANDB_RESUME", "WANDB_SERVICE", "WANDB_SWEEP_ID", "WANDB_SWEEP_PARAM_PATH")
"""Variables that would turn a worker's trials into one run, or into runs of a sweep that started the worker."""

TrialEnd = Literal["complete", "pruned", "failed", "given back"]


class RunTracker:
    """The runs of one worker, one after another. Its calls only queue small events for a process that speaks to wandb.

    Online and without an answer for 20 s, or for 30 s at a run's end, the worker's runs are kept offline from there on.
    """

    def __init__(
        self,
        *,
        folder: Path,
        study: str,
        mode: Mode,
        project: str | None = None,
        entity: str | None = None,
        environment: Mapping[str, str] = os.environ,
        warn: Callable[[str], None],
    ) -> None:
        """Runs go below `folder`/wandb. `project` left out: WANDB_PROJECT of `environment`, else `automl`.

        `warn` gets one sentence when wandb fails, from a thread of the tracker's.

        A folder that cannot be written, or a process that cannot be started, is such a sentence as well.
        """
        self._study = study
        self._project = project or environment.get("WANDB_PROJECT") or DEFAULT_PROJECT
        self._entity = entity or environment.get("WANDB_ENTITY")
        self._courier = None if mode == "disabled" else _courier(folder.absolute(), mode, environment, warn)

    def start(self, *, trial_number: int, run_id: str, config: Mapping[str, object], tags: Sequence[str] = ()) -> None:
        """Begin the run of a trial. The same `run_id` again, online, continues that run."""
        run = {
            "id": run_id,
            "name": f"{self._study}-{trial_number}",
            "group": self._study,
            "project": self._project,
            "entity": self._entity,
            "config": dict(config),
            "tags": list(tags),
        }
        self._send({"event": "start", "run": run})

    def log(self, result: EpochResult) -> None:
        """Add one epoch's figures, each under its name."""
        self._send({"event": "log", "metrics": dataclasses.asdict(result)})

    def finish(self, *, state: TrialEnd, summary: Mapping[str, object]) -> None:
        """End the run. wandb shows complete and pruned as finished, failed as failed, given back as preempted."""
        self._send({"event": "finish", "state": state, "summary": dict(summary)})

    def close(self, *, timeout_seconds: float) -> None:
        """Wait until wandb has what was sent: half the time for the server, half for saving what it did not take."""
        if self._courier is not None:
            self._courier.close(timeout_seconds=timeout_seconds)

    def _send(self, event: Mapping[str, object]) -> None:
        if self._courier is not None:
            self._courier.send(event)


def _courier(
    folder: Path, mode: Literal["online", "offline"], environment: Mapping[str, str], warn: Callable[[str], None]
) -> Courier | None:
    own = process_environment(environment, folder=folder, online=mode == "online")
    try:
        return Courier(folder=folder, mode=mode, environment=own, warn=warn)
    except OSError as error:
        warn(f"wandb cannot start in {folder}/wandb ({error}): this worker's trials go on without it.")
        return None


def process_environment(environment: Mapping[str, str], *, folder: Path, online: bool) -> dict[str, str]:
    """The worker's own, with wandb's caches below `folder`; offline, wandb reports errors of its own to nobody."""
    defaults = {"WANDB_CACHE_DIR": str(folder / "wandb/cache"), "WANDB_DATA_DIR": str(folder / "wandb/cache")}
    own = {name: value for name, value in environment.items() if name not in OF_ANOTHER_RUN}
    return defaults | own | ({} if online else {"WANDB_ERROR_REPORTING": "false"})
