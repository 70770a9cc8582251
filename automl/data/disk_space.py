"""The file of decoded pixels, its space on the disk, and the errors of a full one."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from automl.data.pixel_range import PixelRange
from automl.data.sizing import ImageShape
from automl.errors import DataError
from automl.private_folders import make_private

BLOCK_BYTES = 1 << 20


@dataclass(frozen=True)
class PixelFile:
    """The file of decoded pixels of so many images, in its folder; it outlives an interrupted decoding."""

    folder: Path
    images: int
    training_M: npt.NDArray[np.bool_] | None = None
    """Training images of the source, which decide what is decided once for all images. None: all of them."""
    pixel_range: PixelRange | None = None
    """Scale of images of more than 8 bits, where a model brings it; None: by the training images."""

    @property
    def path(self) -> Path:
        """The pixels: a .npy file, images × height × width × channels, uint8."""
        return self.folder / "images.npy"

    def allocate(self, shape: ImageShape) -> Path:
        """Make the file, with all its disk space reserved, unless an interrupted decoding has left it.

        Without the reservation, writing to the memory map of a full disk would kill the process.

        Raises: DataError if there is no space, or the folder cannot be written.
        """
        if self.path.exists():
            return self.path
        channels, height, width = shape
        unfinished = self.folder / "images.unfinished"
        with disk_errors(self.folder, needed_bytes=self.images * channels * height * width):
            make_private(self.folder)
            _make(unfinished, (self.images, height, width, channels))
            unfinished.rename(self.path)
        return self.path


def is_disk_full(error: OSError) -> bool:
    """Whether there was no space, or none left of a quota or under the limit of a file's size."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


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
        if not is_disk_full(error):
            raise DataError(
                f"Cannot use the image cache {folder}: {error.strerror}. Make it writable, or {advice}."
            ) from error
        needed = f" needs {needed_bytes / 1e6:,.1f} MB" if needed_bytes else ""
        message = f"No space left for the image cache: {folder}{needed}. Free some space, or {advice}."
        raise DataError(message) from error


def _make(path: Path, shape_MHWC: tuple[int, int, int, int]) -> None:
    np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=shape_MHWC)
    with path.open("r+b") as file:
        _reserve(file.fileno(), path.stat().st_size)


def _reserve(descriptor: int, size_bytes: int) -> None:
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, size_bytes)
        return
    for start in range(0, size_bytes, BLOCK_BYTES):  # macOS has no such call: rewriting every block takes the space
        block = os.pread(descriptor, min(BLOCK_BYTES, size_bytes - start), start)
        os.pwrite(descriptor, block, start)
