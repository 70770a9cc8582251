"""Names of devices, told apart without torch, which takes seconds to import."""

from __future__ import annotations

import difflib
import re
import sys

from automl.errors import TrainingError

KINDS = ("cpu", "cuda", "mps", "xpu")
"""What torch calls the processors that can train; of its other kinds none can."""
NAME = re.compile(rf"auto|({'|'.join(KINDS)})(:(0|[1-9]\d{{0,3}}))?")


def check_device_name(name: str, *, platform: str = sys.platform) -> None:
    """Refuse what names no device, and what no machine of this platform can have.

    Raises: TrainingError.
    """
    if NAME.fullmatch(name) is None:
        kind = name.partition(":")[0].lower()
        near = ["cuda"] if kind == "gpu" else difflib.get_close_matches(kind, ("auto", *KINDS), n=1)
        raise no_device(name, "there is none of this name" + (f" (did you mean {near[0]!r}?)" if near else ""))
    if name.startswith("mps") and platform != "darwin":
        raise no_device(name, "only Macs have it")


def no_device(name: str, reason: str) -> TrainingError:
    """The error for a device that is not there."""
    return TrainingError(f"Cannot compute on device {name!r}: {reason}. Use auto, cpu, cuda or cuda:0.")
