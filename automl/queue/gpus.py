"""The GPUs of this machine: counted without torch, which takes seconds to import, and named with it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from automl.training.device_name import check_device_name


@dataclass(frozen=True)
class Gpu:
    """One GPU, as torch counts it in this process."""

    index: int
    uuid: str
    """Identifier, the same in every process and container of this machine, whatever each of them calls the GPU."""

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


def check_device(asked: str) -> None:
    """Refuse a device that is not here; torch is imported only where nothing else can tell.

    Raises: TrainingError.
    """
    check_device_name(asked)
    kind, _, index = asked.partition(":")
    if kind in ("auto", "cpu"):
        return
    if kind == "cuda" and int(index or 0) < count_gpus() and not metadata.version("torch").endswith("+cpu"):
        return
    from automl.training.device import choose_device  # torch takes seconds to import

    choose_device(asked)


def gpus_meant(asked: str) -> list[Gpu]:
    """The GPUs among which `asked` (`auto`, `cuda`, `cuda:1`, `cpu`, …) leaves the choice; none without any."""
    kind, _, index = asked.partition(":")
    if kind not in ("auto", "cuda"):
        return []
    import torch  # takes seconds to import

    gpus = [Gpu(i, str(torch.cuda.get_device_properties(i).uuid)) for i in range(torch.cuda.device_count())]
    return [gpu for gpu in gpus if index in ("", str(gpu.index))]
