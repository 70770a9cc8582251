"""What tests of bad input share: a small space, images of noise, and what a refusal looks like."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
from PIL import Image

PLAIN_SPACE = "parameters:\n  learning_rate: {min: 0.001, max: 0.01}\n  epochs: {value: 1}\n"


def assert_refused(done: subprocess.CompletedProcess[str], *sentences: str) -> None:
    """Exit 2, every sentence on standard error, no traceback, nothing on standard output."""
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    for sentence in sentences:
        assert sentence in done.stderr


def write_images(folder: Path, *, count: int, size: int = 8) -> None:
    """Real PNG files of noise."""
    folder.mkdir(parents=True)
    noise = np.random.default_rng(0)
    for index in range(count):
        Image.fromarray(noise.integers(0, 256, (size, size), dtype=np.uint8)).save(folder / f"{index}.png")
