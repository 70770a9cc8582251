"""The device of a run, and its precision."""

from __future__ import annotations

import contextlib
import gc
import platform
import re
import shutil
import warnings
from collections.abc import Mapping
from typing import Literal, TypeAlias

import torch

from automl.models.rates import SMALL_IMAGE_PIXELS
from automl.training.device_name import check_device_name, no_device

Precision: TypeAlias = Literal["float32", "bfloat16", "float16"]
"""Precision of convolutions and matrix products. Weights, statistics and losses are always float32."""
DTYPES: Mapping[Precision, torch.dtype] = {
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}
LONGEST_REASON = 200
"""Letters of torch's own words in a message."""


class UnusedGpuWarning(UserWarning):
    """This machine has a GPU, and the run does not use it."""


def choose_device(name: str = "auto") -> torch.device:
    """Return the device of this name, or for `auto` the best there is, with a warning if a GPU lies idle.

    Raises: TrainingError if the name means nothing to torch, or its device is not there.
    """
    if name != "auto":
        return _named_device(name)
    if torch.cuda.is_available():
        return torch.device("cuda", torch.cuda.current_device())
    if torch.backends.mps.is_available():
        return torch.device("mps")
    if shutil.which("nvidia-smi"):
        warnings.warn(_unused_gpu(), UnusedGpuWarning, stacklevel=2)
    return torch.device("cpu")


def choose_precision(device: torch.device, image_shape: tuple[int, int, int]) -> Precision:
    """Return the fastest precision that the hardware computes natively and that trains without care.

    On CPUs images under 16 × 16 pixels stay at float32: there the conversions cost what they gain. A step on 64 images
    of 8 × 8 took 0.33 ms in float32 and 0.52 in bfloat16 (perceptron), 1.6 and 1.8 (two convolutions); on 128 of
    48 × 48 373 and 171 (four convolutions from 32 channels; one core with avx512_bf16, torch 2.15, 2026-11).
    """
    if device.type == "cuda":
        return "bfloat16" if torch.cuda.get_device_capability(device) >= (8, 0) else "float16"
    large = image_shape[1] * image_shape[2] >= SMALL_IMAGE_PIXELS
    return "bfloat16" if device.type == "cpu" and large and _cpu_has_bfloat16() else "float32"


def compute_in(precision: Precision, device: torch.device) -> contextlib.AbstractContextManager[object]:
    """Return the context in which a network computes in this precision."""
    if precision == "float32":
        return contextlib.nullcontext()
    return torch.autocast(device.type, dtype=DTYPES[precision])


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a GPU, or the host, had no memory left; torch has no class of its own for the latter."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "DefaultCPUAllocator" in str(error)


def free_memory(device: torch.device) -> None:
    """Free what a finished run has left."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()


def describe(device: torch.device, precision: Precision) -> str:
    """Return the first line of a run: `cuda:0, NVIDIA H100, 79 GiB, bfloat16`."""
    if device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        what = f"{properties.name}, {properties.total_memory / 2**30:.0f} GiB"
    elif device.type == "cpu":
        threads = torch.get_num_threads()
        what = f"{_cpu_name()}, {threads} thread" + ("s" if threads > 1 else "")
    else:
        what = platform.machine()
    return f"{device}, {what}, {precision}"


def _named_device(name: str) -> torch.device:
    check_device_name(name)
    device = torch.device(name)
    if device.type == "cuda":  # without using one: that would take half a gigabyte of its memory
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if count <= (device.index or 0):
            found = (
                f"the last one here is cuda:{count - 1}" if count else f"torch {torch.__version__} finds no GPU here"
            )
            raise no_device(name, found)
        return device
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:  # torch without this kind of device asserts
        raise no_device(name, _first_sentence(error)) from error
    return device


def _first_sentence(error: Exception) -> str:
    """Of what torch says, which may go on for a kilobyte."""
    return re.split(r"[.;](?=\s|$)|\n", str(error), maxsplit=1)[0][:LONGEST_REASON]


def _unused_gpu() -> str:
    if torch.version.cuda is None:
        why = "is built without CUDA. Install a build with CUDA: https://pytorch.org/get-started/locally"
    else:
        why = f"cannot use it. Its driver has to support CUDA {torch.version.cuda}; nvidia-smi shows what it supports."
    return f"Computing on the CPU: this machine has an NVIDIA GPU, but torch {torch.__version__} {why}"


def _cpu_has_bfloat16() -> bool:
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


def _cpu_name() -> str:
    return str(torch.cpu.get_capabilities().get("cpu_name") or platform.machine())
