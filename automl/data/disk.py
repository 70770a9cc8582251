"""Room on the disk for the cache, and what to say when there is none."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from automl.data.contents import ImageShape
from automl.errors import DataError

BLOCK_BYTES = 1 << 20


def allocate_images(path: Path, images: int, shape: ImageShape) -> Path:
    """Make a .npy file, images × height × width × channels, with all its disk space reserved.

    Without that, writing to the memory map of a full disk would kill the process.

    Raises: DataError if there is no room, or the folder cannot be written.
    """
    channels, height, width = shape
    with disk_errors(path.parent, needed_bytes=images * channels * height * width):
        path.parent.mkdir(parents=True)
        np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=(images, height, width, channels))
        with path.open("r+b") as file:
            _reserve(file.fileno(), path.stat().st_size)
    return path


def sync(folder: Path) -> None:
    """Bring the folder's files to the disk, so that a power failure cannot leave a named but empty one."""
    for path in folder.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())


@contextmanager
def disk_errors(folder: Path, *, needed_bytes: int | None = None) -> Iterator[None]:
    """Turn a refusal of the operating system into a sentence.

    Raises: DataError instead of OSError.
    """
    try:
        yield
    except OSError as error:
        advice = "set AUTOML_HOME to a folder on another disk"
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise DataError(
                f"Cannot use the image cache {folder}: {error.strerror}. Make it writable, or {advice}."
            ) from error
        needed = f" needs {needed_bytes / 1e6:,.1f} MB" if needed_bytes else ""
        message = f"No space left for the image cache: {folder}{needed}. Free some space, or {advice}."
        raise DataError(message) from error


def _reserve(descriptor: int, size_bytes: int) -> None:
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, size_bytes)
        return
    for start in range(0, size_bytes, BLOCK_BYTES):  # macOS has no such call: rewriting every block takes the space
        block = os.pread(descriptor, min(BLOCK_BYTES, size_bytes - start), start)
        os.pwrite(descriptor, block, start)
