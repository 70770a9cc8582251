"""Latency: the time that a network takes for one image."""

from __future__ import annotations

import time

import torch
from torch import nn

WARM_UP_RUNS = 3
FEWEST_RUNS, MOST_RUNS = 5, 50
ENOUGH_SECONDS = 0.2
"""Total time, in seconds, after which no run is added to FEWEST_RUNS."""


def measure_milliseconds(model: nn.Module, image_shape: tuple[int, int, int], device: torch.device) -> float:
    """Shortest time of one image, from normalized pixels 1 × C × H × W on the device to logits on the host.

    In evaluation mode and float32, as an exported model computes. On a CPU it depends on the number of threads. What
    else the machine does can only lengthen a run, and other workers do much: the shortest says most of the network
    itself. The network is left as it was.
    """
    was_training = model.training
    image_1CHW = torch.zeros(1, *image_shape, device=device)
    try:
        with torch.inference_mode():
            model.eval()
            for _ in range(WARM_UP_RUNS):
                model(image_1CHW).cpu()
            return min(_runs(model, image_1CHW)) * 1000
    finally:
        model.train(was_training)


def _runs(model: nn.Module, image_1CHW: torch.Tensor) -> list[float]:
    """Seconds of each run; the copy to the host waits for the device."""
    seconds: list[float] = []
    while len(seconds) < FEWEST_RUNS or (len(seconds) < MOST_RUNS and sum(seconds) < ENOUGH_SECONDS):
        started = time.perf_counter()
        model(image_1CHW).cpu()
        seconds.append(time.perf_counter() - started)
    return seconds
