"""The GPUs of this machine, counted without torch, which takes seconds to import."""

from __future__ import annotations

import os
from pathlib import Path


def count_gpus(*, folder: Path = Path("/dev")) -> int:
    """NVIDIA GPUs that this process may use: those of CUDA_VISIBLE_DEVICES, else those that have a device file."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return len([name for name in visible.split(",") if name.strip() not in ("", "-1", "NoDevFiles")])
    return sum(1 for file in folder.glob("nvidia*") if file.name.removeprefix("nvidia").isdecimal())

