"""Rates measured in a process of its own: its end gives back memory and GPU, and no caller has to import torch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from automl.child_processes import ENVIRONMENT, FLAGS
from automl.errors import TrainingError
from automl.models.geometry import ImageShape
from automl.models.rates import Rates

PACKAGE_ROOT = Path(__file__).resolve().parents[3]
PROGRAM_TEXT = """\
import sys
sys.path.append(sys.argv.pop(1))
from automl.training.cost.rate_measurement import main
main()
"""


def measure_rates_apart(*, device: str, threads: int, image_shape: ImageShape) -> Rates:
    """Measure a device, by its name, with so many CPU threads.

    Raises: TrainingError for a device that is not there.
    """
    arguments = json.dumps({"device": device, "threads": threads, "image_shape": image_shape})
    done = subprocess.run(
        [sys.executable, *FLAGS, "-c", PROGRAM_TEXT, str(PACKAGE_ROOT), arguments],
        env={**os.environ, **ENVIRONMENT},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode:
        raise TrainingError(f"The speed of {device} could not be measured:\n{done.stderr.strip()[-2000:]}")
    return Rates.from_dict(json.loads(done.stdout.splitlines()[-1]))
