"""Random streams of a run, each from the recipe's seed and the epoch alone: resuming needs no saved generator."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

_STREAMS = ("initialization", "batches", "network")


def stream_seed(stream: str, *, seed: int, epoch: int = 0) -> int:
    """Return 63 bits that share nothing with another stream's, seed's or epoch's."""
    sequence = np.random.SeedSequence((seed, epoch, _STREAMS.index(stream)))
    return int(sequence.generate_state(1, np.uint64)[0] >> np.uint64(1))


def host_generator(stream: str, *, seed: int, epoch: int) -> torch.Generator:
    """Generator on the host at the beginning of a stream."""
    return torch.Generator().manual_seed(stream_seed(stream, seed=seed, epoch=epoch))


@contextmanager
def global_seed(value: int, device: torch.device) -> Iterator[None]:
    """Seed torch's global generators, for layers that draw from them, and restore them."""
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(value)
        yield
