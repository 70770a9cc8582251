"""How close training comes to what the machine allows: our images a second against its roofline.

    python -m benchmarks.roofline ../shared/data/fer2013/archive.zip --output

The ceiling of every operation of a training step is the later of two moments: when the machine's own matrix product
would have done its multiplications, and when its own memory copy would have moved its operands and results. Both rates
are measured in the same process, the product in the engine's precision. The sum over all operations of a step
(forward, backward, optimizer) is the shortest time that the step could take without fusing operations.

Source: Williams et al. 2009, Roofline.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

from automl.data.dataset import DataSet
from automl.metrics import METRICS
from automl.recipe import Recipe
from automl.training.device import DTYPES, choose_device, choose_precision
from automl.training.loop import Training
from automl.training.randomness import host_generator
from benchmarks.epoch import NETWORKS, fer2013_parser, page, read_data
from benchmarks.machine import machine_line

RESULT = Path(__file__).parent / "results"
PACKAGES = ("torch",)
MATRIX_SIDE = {"cpu": 2048, "cuda": 8192}
COPIED_BYTES = {"cpu": 2**28, "cuda": 2**32}
STEPS = 20


@dataclass(frozen=True)
class Machine:
    """What the hardware does at best."""

    flops: float
    """Floating-point operations a second of a large matrix product."""
    bytes: float
    """Bytes a second that a copy of a large tensor reads and writes together."""


def main() -> None:
    options = fer2013_parser(__doc__, what="measurements", n=5).parse_args()
    device, load = choose_device(options.device), os.getloadavg()[0]
    data = read_data(options.data, options.home, device)
    text = report(data, device, load, n=options.n)
    print(text)
    if options.output:
        RESULT.joinpath(f"roofline_{device.type}.md").write_text(text, encoding="utf-8")


def report(data: DataSet, device: torch.device, load: float, *, n: int) -> str:
    """Measure machine and networks, and make the table."""
    precision = choose_precision(device, data.image_shape)
    machine = measure_machine(device, DTYPES[precision], n=n)
    rows = [row(name, recipe, data, device, machine, n=n) for name, recipe in NETWORKS.items()]
    return page(
        "How close training comes to the machine",
        f"A large matrix product in {precision}: {machine.flops / 1e9:,.0f} GFLOP/s; a large copy: "
        f"{machine.bytes / 1e9:,.1f} GB/s. Whole steps on batches of 128 images of FER2013, from pixels to changed "
        f"weights. Device: {device.type}, {torch.get_num_threads()} threads.",
        [
            "| network | GFLOP an image | images a second | at the roofline | share of it |",
            "| --- | --- | --- | --- | --- |",
            *rows,
        ],
        f"{machine_line(PACKAGES, n=n, load=load, of=f'times {STEPS} steps')} "
        "Made by `python -m benchmarks.roofline FER2013 --output`.",
    )


def measure_machine(device: torch.device, dtype: torch.dtype, *, n: int) -> Machine:
    """The best of `n` large products and copies."""
    side, count = MATRIX_SIDE[device.type], COPIED_BYTES[device.type]
    left, right = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
    source = torch.zeros(count, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    product = min(seconds_of(lambda: left @ right, device) for _ in range(n + 1))
    copy = min(seconds_of(lambda: target.copy_(source), device) for _ in range(n + 1))
    return Machine(flops=2 * side**3 / product, bytes=2 * count / copy)


def row(name: str, recipe: Recipe, data: DataSet, device: torch.device, machine: Machine, *, n: int) -> str:
    """One network: what its steps take, and what they could."""
    training = Training(recipe, data, metric=METRICS["accuracy"], device=device)
    take_steps(training, 2)
    with Ceiling(machine) as ceiling:
        images = take_steps(training, 1)
    shortest = ceiling.seconds / images
    rates = []
    for _ in range(n):
        started = time.perf_counter()
        trained = take_steps(training, STEPS)
        rates.append(trained / (time.perf_counter() - started))
    shares = [rate * shortest for rate in rates]
    return (
        f"| {name} | {ceiling.flops / images / 1e9:.2f} | {statistics.median(rates):,.0f} | {1 / shortest:,.0f} | "
        f"{statistics.median(shares):.0%} ({min(shares):.0%} to {max(shares):.0%}) |"
    )


def take_steps(training: Training, steps: int) -> int:
    """Train on the first batches of an epoch, wait for the device, and return how many images they had."""
    batches = training.batches.epoch(generator=host_generator("batches", seed=0, epoch=0))
    training.learner.model.train()
    images = 0
    for step, batch in zip(range(steps), batches, strict=False):
        figures = training.learner.step(batch, learning_rate=1e-3, step=step)
        images += len(batch.images_BCHW)
    figures.loss.item()
    return images


def seconds_of(work: Callable[[], object], device: torch.device) -> float:
    """Wall time of one call, the device's part included."""
    started = time.perf_counter()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - started


class Ceiling(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Adds up the shortest times of all operations that run inside the block."""

    def __init__(self, machine: Machine) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.machine = machine
        self.seconds = 0.0
        self.flops = 0

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Run the operation and note its ceiling; a view costs nothing."""
        kwargs = dict(kwargs or {})
        result = func(*args, **kwargs)
        if not func.is_view:
            count = flop_registry.get(func.overloadpacket)
            flops = count(*args, **kwargs, out_val=result) if count else 0
            moved = sum(leaf.nbytes for leaf in tree_leaves((args, kwargs, result)) if isinstance(leaf, Tensor))
            self.flops += flops
            self.seconds += max(flops / self.machine.flops, moved / self.machine.bytes)
        return result


if __name__ == "__main__":
    main()
