"""What a source of images hands over: labels and given splits at once, pixels when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

ImageShape: TypeAlias = tuple[int, int, int]
"""Channels, height, width."""
Progress: TypeAlias = Callable[[int, int], None]
"""Called with the images done so far and all there are."""
Allocate: TypeAlias = Callable[[ImageShape], Path]
"""Makes room for all images of this shape: the path of a .npy file, M × H × W × C, uint8."""


@dataclass(frozen=True)
class Written:
    """What happened while the pixels were written."""

    unreadable: Mapping[int, str] = field(default_factory=dict)
    """Why there are no pixels, by row."""
    notes: tuple[str, ...] = ()


class Images(Protocol):
    """M images, in the order of the labels."""

    def file_name(self, row: int) -> str:
        """What a person calls this image."""
        ...

    def write(self, allocate: Allocate, *, on_progress: Progress | None = None) -> Written:
        """Decide on one shape for all images, and write their pixels into the file that `allocate` makes for it.

        Raises: DataError if an image is hostile.
        """
        ...


@dataclass(frozen=True)
class Contents:
    """A source, read up to its pixels."""

    images: Images
    class_names: tuple[str, ...]
    labels_M: npt.NDArray[np.int64]
    splits_M: npt.NDArray[np.int8]
    """The split that the source gives each image, as its place in SPLITS; all 0 (train) where it gives none."""
    groups_M: npt.NDArray[np.int64] | None = None
    """Images of the same number (a person, a burst) must stay in one split."""
    notes: tuple[str, ...] = ()


class Source(Protocol):
    """Labelled images under a name or a path."""

    @property
    def name(self) -> str:
        """Short, for the names of studies."""
        ...

    @property
    def reference(self) -> str:
        """A known name or an absolute path."""
        ...

    def identity(self) -> str:
        """Text that changes when the images do, found without reading them.

        Raises: DataError if the source cannot be listed.
        """
        ...

    def contents(self) -> Contents:
        """Labels, classes and given splits.

        Raises: DataError if there is nothing to learn from, or something hostile.
        """
        ...


@dataclass(frozen=True)
class ArrayImages:
    """Images that are in memory already."""

    pixels_MHWC: npt.NDArray[np.uint8]

    def file_name(self, row: int) -> str:
        """The number of an image without a file."""
        return f"image {row}"

    def write(self, allocate: Allocate, *, on_progress: Progress | None = None) -> Written:
        """Copy the pixels as they are."""
        count, height, width, channels = self.pixels_MHWC.shape
        target_MHWC = np.load(allocate((channels, height, width)), mmap_mode="r+")
        target_MHWC[:] = self.pixels_MHWC
        if on_progress is not None:
            on_progress(count, count)
        return Written()
