"""What every result says of the machine it was measured on."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import psutil


def machine_line(
    packages: Sequence[str], *, n: int, load: float, of: str = "fresh processes each", medians: bool = True
) -> str:
    """Hardware, load before, versions, n (`of` what) and date; of `medians`, also how they are written."""
    versions = ", ".join(f"{package} {version(package)}" for package in packages)
    return (
        f"{hardware()}, load average before {load:.1f}; Python {platform.python_version()}, {versions}; "
        f"n = {n} {of}; {datetime.now(tz=UTC):%Y-%m-%d}.{' Median (lowest to highest).' if medians else ''}"
    )


def hardware() -> str:
    """Cores, their model, memory."""
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    memory_gib = psutil.virtual_memory().total / 2**30
    return f"{len(os.sched_getaffinity(0))} cores of {models[0].partition(': ')[2]}, {memory_gib:.0f} GiB"


def spread(values: Sequence[float], unit: float, name: str) -> str:
    """Median with the lowest and the highest: `0.42 s (0.41 to 0.45)`."""
    low, middle, high = (value / unit for value in (min(values), statistics.median(values), max(values)))
    digits = 2 if name == "s" else 0
    return f"{middle:.{digits}f} {name} ({low:.{digits}f} to {high:.{digits}f})"
