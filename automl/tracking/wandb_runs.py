"""Each trial as a run of Weights & Biases. wandb can neither slow down, block nor fail a trial."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from automl.metrics import EpochResult
from automl.private_folders import make_private
from automl.tracking.wandb_event_queue import EventQueue
from automl.tracking.wandb_files import cache_of
from automl.tracking.wandb_mode import Mode, has_home
from automl.training.evaluation.class_report import class_report

DEFAULT_PROJECT = "automl"
OF_ANOTHER_RUN = ("WANDB_RUN_ID", "WANDB_RESUME", "WANDB_SERVICE", "WANDB_SWEEP_ID", "WANDB_SWEEP_PARAM_PATH")
"""Environment variables that would turn a worker's trials into one run, or into runs of a sweep."""

MOST_TAG_LETTERS = 64
NOT_OF_A_NAME = re.compile(r"[^A-Za-z0-9_.-]+")
"""Characters that wandb refuses in the name of an artifact."""

TrialEnd = Literal["complete", "pruned", "failed", "requeued"]


@dataclasses.dataclass(frozen=True)
class ByClass:
    """Classification report of a trial on the validation split, at its best epoch."""

    confusion_KK: npt.NDArray[np.int64]
    """Confusion matrix: true classes down, predicted ones across."""
    class_names: Sequence[str]

    def as_event(self) -> dict[str, object]:
        """Plain JSON. Cells of the matrix that are 0 are left out."""
        names, cells = self.class_names, np.argwhere(self.confusion_KK).tolist()
        report = class_report(self.confusion_KK, names)
        return {
            "confusion": [[names[i], names[j], int(self.confusion_KK[i, j])] for i, j in cells],
            "report": [[name, *row.values()] for name, row in report.items()],
        }


def artifact_name(study: str, trial_number: int) -> str:
    """Name of the artifact that holds a trial's model: the run's, without what wandb refuses."""
    return f"{NOT_OF_A_NAME.sub('-', study)[:100]}-{trial_number}"


class RunTracker:
    """The runs of one worker, one after another. Its calls only queue small events for the process that calls wandb.

    Online and without an answer for 20 s, or for 30 s at a run's end, the worker's later runs stay offline.
    """

    def __init__(
        self,
        *,
        folder: Path,
        study: str,
        study_uid: str,
        mode: Mode,
        project: str | None = None,
        entity: str | None = None,
        environment: Mapping[str, str] = os.environ,
        warn: Callable[[str], None],
    ) -> None:
        """Runs go below `folder`/wandb, and what wandb sets aside for them into a cache of the study's own.

        `project` left out: WANDB_PROJECT of `environment`, else `automl`.

        `warn` gets one sentence when wandb fails, from a thread of the tracker's.

        A folder that cannot be written, or a process that cannot be started, is such a sentence as well.
        """
        self._study = study
        self._artifact = ""
        self._models: list[Path] = []
        self._folder = folder.absolute()
        self.uploads = mode == "online"
        """Whether models are uploaded."""
        self._project = project or environment.get("WANDB_PROJECT") or DEFAULT_PROJECT
        self._entity = entity or environment.get("WANDB_ENTITY")
        self._event_queue: EventQueue | None = None
        if mode != "disabled":
            own = process_environment(environment, cache=cache_of(self._folder, study_uid), online=self.uploads)
            self._event_queue = _start_queue(self._folder, mode, own, warn)

    def start(self, *, trial_number: int, run_id: str, config: Mapping[str, object], tags: Sequence[str] = ()) -> None:
        """Begin the run of a trial. The same `run_id` again, online, continues that run."""
        self._artifact = artifact_name(self._study, trial_number)
        run = {
            "id": run_id,
            "name": f"{self._study}-{trial_number}",
            "group": self._study,
            "project": self._project,
            "entity": self._entity,
            "config": dict(config),
            "tags": [tag[:MOST_TAG_LETTERS] for tag in tags],
        }
        self._send({"event": "start", "run": run})

    def log(self, result: EpochResult) -> None:
        """Add one epoch's figures, each under its name."""
        self._send({"event": "log", "metrics": dataclasses.asdict(result)})

    def finish(
        self,
        *,
        state: TrialEnd,
        summary: Mapping[str, object],
        classes: ByClass | None = None,
        model: Path | None = None,
    ) -> None:
        """End the run. wandb shows complete and pruned as finished, failed as failed, `requeued` as preempted.

        `model`: a file from `model_path`, uploaded as an artifact that is named like the run, and then deleted.
        """
        end = {"event": "finish", "state": state, "summary": dict(summary)}
        if classes is not None:
            end["classes"] = classes.as_event()
        if model is not None:
            end["model"] = {"path": str(model), "name": self._artifact}
        self._send(end)

    def model_path(self, run_id: str) -> Path:
        """Path for a model that `finish` uploads. Its folder is made here and emptied by `close`."""
        path = self._folder / "wandb" / "models" / f"{run_id}.pt"
        make_private(path.parent)
        self._models.append(path)
        return path

    def close(self, *, timeout_seconds: float) -> None:
        """Wait until wandb has what was sent: half the time for the server, half for saving what it did not take."""
        if self._event_queue is not None:
            self._event_queue.close(timeout_seconds=timeout_seconds)
        for path in self._models:  # left where the process could not upload it
            path.unlink(missing_ok=True)

    def _send(self, event: Mapping[str, object]) -> None:
        if self._event_queue is not None:
            self._event_queue.send(event)


def _start_queue(
    folder: Path, mode: Literal["online", "offline"], environment: Mapping[str, str], warn: Callable[[str], None]
) -> EventQueue | None:
    try:
        return EventQueue(folder=folder, mode=mode, environment=environment, warn=warn)
    except OSError as error:
        warn(f"wandb cannot start in {folder}/wandb ({error}): this worker's trials go on without it.")
        return None


def process_environment(environment: Mapping[str, str], *, cache: Path, online: bool) -> dict[str, str]:
    """The worker's own, with a folder for wandb's caches; offline, wandb reports errors of its own to nobody."""
    defaults = {"WANDB_CACHE_DIR": str(cache), "WANDB_DATA_DIR": str(cache)}
    if not has_home(environment):
        defaults["HOME"] = str(cache)
    own = {name: value for name, value in environment.items() if name not in OF_ANOTHER_RUN}
    return defaults | own | ({} if online else {"WANDB_ERROR_REPORTING": "false"})
