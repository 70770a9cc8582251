"""The processes that decode images: they end with the one that started them, however it ends.

The processes are loky's: they neither run the caller's main module again (a notebook or an unguarded script may load
data) nor fork threads that torch has started. With threads instead, Python's share of a small image would dominate:
FER2013's zip took 4.7 s with two threads and 2.1 s with two processes (2 cores, Python 3.11, Pillow 13, 2026-11).
"""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Executor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager

from joblib import cpu_count  # type: ignore[import-untyped]
from joblib.externals.loky import ProcessPoolExecutor  # type: ignore[import-untyped]

from automl.child_processes import isolated_children
from automl.data.source_contents import Interrupted

CHUNK_IMAGES = 64
"""Number of images that are decoded, and recorded as done, together. Fewer are not worth another process."""
ORPHAN_SECONDS = 1.0
"""Seconds until a decoding process sees that its parent was killed."""


@contextmanager
def decoding_processes(images: int) -> Iterator[Executor]:
    """Processes for so many images, in a block that ends them.

    Raises: Interrupted if one was killed.
    """
    try:
        with (
            isolated_children(),
            ProcessPoolExecutor(_process_count(images), initializer=_end_with, initargs=(os.getpid(),)) as pool,
        ):
            try:
                yield pool
            except BaseException:
                pool.shutdown(wait=True, kill_workers=True)
                raise
    except BrokenProcessPool as error:
        raise Interrupted(
            f"A process that decoded images was killed, perhaps for want of memory: {error}\n"
            "What is decoded is kept: the same command goes on from there."
        ) from error


def _end_with(parent: int) -> None:
    """Let this process end when the one that started it was killed; loky's would wait for ever."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(ORPHAN_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _process_count(images: int) -> int:
    return min(int(cpu_count()), math.ceil(images / CHUNK_IMAGES))
