"""The process that calls wandb for one worker: a JSON event a line comes in, a warning a line goes out.

It is a process because wandb blocks: `init` until its time-out, `finish` and the hook at interpreter exit until the
upload ends. In here it may block, and the worker kills it when its own time is up. `wandb_event_queue` runs this file
by path. It imports nothing of the package and takes 110 MB, wandb-core included (wandb 0.31, Python 3.11, 2026-11).
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import shutil
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar


class Deadline:
    """The worker's end, announced by SIGTERM: waiting for a server is broken off, writing to the disk is not."""

    def __init__(self) -> None:
        self.passed = False
        self._waiting = False

    def __enter__(self) -> None:
        self._waiting = True
        if self.passed:
            self._break_off()

    def __exit__(self, *error: object) -> None:
        self._waiting = False

    def come(self, _signal: int, _frame: object) -> None:
        """Handle the signal."""
        self.passed = True
        if self._waiting:
            self._break_off()

    def _break_off(self) -> None:
        self._waiting = False
        raise TimeoutError("no answer before the worker's end")


DEADLINE = Deadline()
signal.signal(signal.SIGTERM, DEADLINE.come)

SCRATCH = tempfile.tempdir = tempfile.mkdtemp(prefix="automl-wandb-")
"""Folder in which wandb makes two folders for every trial's tables, which it would leave behind."""

import psutil  # noqa: E402
import wandb  # noqa: E402 – takes half a second, in which the signal would end the process

Result = TypeVar("Result")
INIT_SECONDS = 20.0
FINISH_SECONDS = 30.0
MODEL_SECONDS = 600
"""Longest upload of a model, in seconds. The worker keeps training meanwhile."""
KILL_SECONDS = 1.0
FLUSH_SECONDS = 0.5
"""Interval of writing to disk, in seconds: what a kill of everything loses. wandb's own 15 s is a whole short trial."""
EXIT_CODES = {"complete": 0, "pruned": 0, "failed": 1, "requeued": 1, "lost": 1}


class Runs:
    """The worker's runs, one after another; offline for good after the first failure to upload."""

    def __init__(self, folder: Path, *, online: bool, warn: Callable[[str], None]) -> None:
        self._folder = folder
        self._online = online
        self._warn = warn
        self._run: wandb.Run | None = None

    def handle(self, event: dict[str, Any]) -> None:
        """Do what one event says: start, log or finish."""
        if event["event"] == "start":
            self._start(event["run"])
        elif event["event"] == "log" and self._run is not None:
            self._run.log(event["metrics"])
        elif event["event"] == "finish":
            self._finish(**{name: value for name, value in event.items() if name != "event"})

    def end(self) -> None:
        """Finish a run whose worker is gone."""
        self._finish(state="lost", summary={})

    def _start(self, options: dict[str, Any]) -> None:
        self._run = self._start_online(options) or self._init(options, mode="offline")
        self._run.define_metric("epoch", hidden=True)
        self._run.define_metric("*", step_metric="epoch")

    def _start_online(self, options: dict[str, Any]) -> wandb.Run | None:
        # A reassigned trial continues the same run. Offline, wandb refuses to resume.
        return self._upload(lambda: self._init(options, mode="online", resume="allow")) if self._online else None

    def _init(self, options: dict[str, Any], **more: Any) -> wandb.Run:
        return wandb.init(**options, **more, settings=run_settings(self._folder))

    def _finish(
        self,
        *,
        state: str,
        summary: dict[str, Any],
        classes: dict[str, Any] | None = None,
        model: dict[str, str] | None = None,
    ) -> None:
        run, self._run = self._run, None
        if run is None:
            return
        if classes is not None:
            run.log(charts(classes))
        run.summary.update({"state": state} | summary)
        run.tags = (*(run.tags or ()), state)
        if state == "requeued":
            run.mark_preempting()
        if not self._online:
            run.finish(exit_code=EXIT_CODES[state])
            return
        if model is not None:
            self._upload(lambda: upload_model(run, Path(model["path"]), name=model["name"], metadata=summary))
        if self._online:  # else wandb's service was killed, and the run with it
            self._upload(lambda: run.finish(exit_code=EXIT_CODES[state]))

    def _upload(self, call: Callable[[], Result]) -> Result | None:
        """Turn any error of `call` into one warning, and end uploading. What was logged is on the disk."""
        try:
            with DEADLINE:
                return call()
        except Exception as error:  # noqa: BLE001 – besides errors of its own, wandb raises those of a crashed service
            traceback.print_exc()
            self._online = False
            self._warn(
                f"wandb does not take this worker's runs ({reason(error)}): from here on they stay on this machine. "
                f"Upload them later with: wandb sync --include-online {shlex.quote(str(self._folder))}/wandb/*run-*"
            )
            restart_service()
            return None


def charts(classes: dict[str, Any]) -> dict[str, Any]:
    """The confusion matrix, drawn as wandb.plot.confusion_matrix would from single images, and the report's table."""
    columns: list[str | int] = ["Actual", "Predicted", "nPredictions"]
    cells = wandb.Table(columns=columns, data=classes["confusion"])
    fields = {str(name): name for name in columns}
    title = {"title": "validation split at the best epoch"}
    return {
        "confusion_matrix": wandb.plot_table("wandb/confusion_matrix/v1", cells, fields, title),
        "class_report": wandb.Table(
            columns=["class", "precision", "recall", "f1-score", "support"], data=classes["report"]
        ),
    }


def upload_model(run: wandb.Run, path: Path, *, name: str, metadata: dict[str, Any]) -> None:
    """Make the file an artifact of the run, and delete it when wandb has it."""
    artifact = wandb.Artifact(name, type="model", metadata=metadata)
    artifact.add_file(str(path), name="model.pt", policy="immutable", skip_cache=True)
    run.log_artifact(artifact).wait(timeout=MODEL_SECONDS)
    path.unlink()


def run_settings(folder: Path) -> wandb.Settings:
    """Quiet, bounded, and about the trial alone: no console, no system figures, no source code."""
    return wandb.Settings(
        root_dir=str(folder),
        init_timeout=INIT_SECONDS,
        finish_timeout=FINISH_SECONDS,
        finish_timeout_raises=True,
        x_transaction_log_flush_interval=FLUSH_SECONDS,
        silent=True,
        console="off",
        symlink=False,
        save_code=False,
        disable_code=True,
        disable_git=True,
        x_disable_stats=True,
        x_disable_meta=True,
        x_disable_machine_info=True,
        x_save_requirements=False,
    )


def restart_service() -> None:
    """Kill wandb-core in the middle of its wait for the server: before that, the run's id counts as in use."""
    services = psutil.Process().children()
    for service in services:
        service.kill()
    psutil.wait_procs(services, timeout=KILL_SECONDS)
    with contextlib.suppress(ConnectionError, SystemExit):  # how wandb says that its service was killed
        wandb.teardown()


def reason(error: Exception) -> str:
    """First line of what wandb says, without anything that could be a key."""
    first_line = next(iter(str(error).splitlines()), type(error).__name__)
    return re.sub(r"[\w-]{32,}", "***", first_line).rstrip(".")


def own_output() -> Callable[[str], None]:
    """Keep standard output for warnings: whatever else prints there goes to standard error, which is a file."""
    warnings_out = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8", errors="backslashreplace", buffering=1)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return lambda sentence: print(sentence, file=warnings_out)


def events() -> Iterator[dict[str, Any]]:
    """Events until the worker closes the pipe or dies; half a line is what a dying worker leaves."""
    for line in sys.stdin:
        if line.endswith("\n"):
            yield json.loads(line)


def main(folder: str, mode: str) -> None:
    """Serve one worker until its end."""
    runs = Runs(Path(folder), online=mode == "online", warn=own_output())
    for event in events():
        runs.handle(event)
    runs.end()
    wandb.teardown()  # closes the files
    shutil.rmtree(SCRATCH, ignore_errors=True)
    os._exit(0)  # at a regular exit, wandb's telemetry waits up to 20 s for the server


if __name__ == "__main__":
    main(*sys.argv[1:])
