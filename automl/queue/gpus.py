"""The GPUs of this machine: counted without torch, which takes seconds to import, and named with it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Gpu:
    """One GPU, as torch counts it in this process."""

    index: int
    uuid: str
    """The same in every process and container of this machine, whatever each of them calls the GPU."""

    @property
    def device(self) -> str:
        """Its name as a device: `cuda:1`."""
        return f"cuda:{self.index}"


def count_gpus(*, folder: Path = Path("/dev")) -> int:
    """NVIDIA GPUs that this process may use: those of CUDA_VISIBLE_DEVICES, else those that have a device file."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return len([name for name in visible.split(",") if name.strip() not in ("", "-1", "NoDevFiles")])
    return sum(1 for file in folder.glob("nvidia*") if file.name.removeprefix("nvidia").isdecimal())


def gpus_meant(asked: str) -> list[Gpu]:
    """The GPUs among which `asked` (`auto`, `cuda`, `cuda:1`, `cpu`, …) leaves the choice; none without any."""
    kind, _, index = asked.partition(":")
    if kind not in ("auto", "cuda"):
        return []
    import torch

    gpus = [Gpu(i, str(torch.cuda.get_device_properties(i).uuid)) for i in range(torch.cuda.device_count())]
    return [gpu for gpu in gpus if index in ("", str(gpu.index))]
