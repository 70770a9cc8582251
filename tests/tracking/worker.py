"""A worker in miniature, as a process of its own: `python -m tests.tracking.worker FOLDER EPOCHS END`."""

import os
import signal
import sys
import time
from pathlib import Path

from automl.tracking.wandb_runs import RunTracker
from tests.tracking.results import epoch_result


def main(folder: str, epochs: str, end: str) -> None:
    tracker = RunTracker(folder=Path(folder), study="faces", study_uid="faces-0", mode="offline", warn=print)
    tracker.start(trial_number=7, run_id="seven", config={"width": 32})
    for epoch in range(int(epochs)):
        tracker.log(epoch_result(epoch))
        time.sleep(0.05)
    if end == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if end == "close":
        tracker.finish(state="complete", summary={})
        tracker.close(timeout_seconds=30)


if __name__ == "__main__":
    main(*sys.argv[1:])
