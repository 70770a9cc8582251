from __future__ import annotations

import resource
import sys

import pytest
import torch

from automl.training.allocation import keep_freed_memory

BLOCK_BYTES = 48 * 2**20
"""More than glibc ever keeps on its own."""
TIMES = 20


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc has these options")
def test_freed_memory_is_used_again_without_asking_the_kernel() -> None:
    keep_freed_memory()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(TIMES):
        torch.ones(BLOCK_BYTES, dtype=torch.uint8)
    pages = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
    # Not one block alone: a small object may come to lie in a freed block, and the next one then finds another place.
    assert pages < TIMES / 4 * BLOCK_BYTES / resource.getpagesize()
