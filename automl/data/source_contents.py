"""A source of images: labels and given splits at once, pixels when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from automl.data.disk_space import PixelFile
from automl.data.pixel_range import PixelRange
from automl.data.sizing import Sizing
from automl.errors import DataError

Progress: TypeAlias = Callable[[int, int], None]
"""Called with the images done so far and all there are."""
DEEP_GRAY_MODES = frozenset(("F", "I", "I;16", "I;16B", "I;16L", "I;16N"))
"""Pillow's gray modes of more than 8 bits; `F` are floating-point numbers."""
GRAY_MODES = frozenset(("1", "L", "LA", "La")) | DEEP_GRAY_MODES


class Interrupted(DataError):  # noqa: N818 nothing is wrong with the data
    """The decoding ended early; what is decoded stays, and the same call goes on from there."""


@dataclass(frozen=True)
class Header:
    """Size and mode of an image, upright."""

    height: int
    width: int
    mode: str
    """Pillow's mode: `L`, `RGB`, `CMYK`; `RGB;16` for colours of 16 bits, which have no name there."""
    transparent: bool = False
    """Whether it has an alpha channel or a transparent colour; known until the shape is decided, and kept nowhere."""

    @property
    def gray(self) -> bool:
        """Whether it promises one channel."""
        return self.mode in GRAY_MODES

    @property
    def deep(self) -> bool:
        """Whether it has more than 8 bits a channel."""
        return self.mode in DEEP_GRAY_MODES or self.mode.endswith(";16")


@dataclass(frozen=True)
class Written:
    """What was found while the pixels were written."""

    headers: Sequence[Header | None]
    """Headers of all M images; None where there is none to be read."""
    unreadable: Mapping[int, str] = field(default_factory=dict)
    """Reasons why images have no pixels, by row."""
    notes: tuple[str, ...] = ()
    pixel_range: PixelRange | None = None
    """Scale of the images of more than 8 bits; None where there are none."""


class SourceImages(Protocol):
    """M images, in the order of the labels."""

    def file_name(self, row: int) -> str:
        """What a person calls this image."""
        ...

    def write(self, pixel_file: PixelFile, sizing: Sizing, *, on_progress: Progress | None = None) -> Written:
        """Decide on one shape for all images, and write their pixels into `pixel_file`.

        Raises: DataError if an image is hostile.
        """
        ...


@dataclass(frozen=True)
class SourceContents:
    """A source, read up to its pixels."""

    images: SourceImages
    class_names: tuple[str, ...]
    labels_M: npt.NDArray[np.int64]
    splits_M: npt.NDArray[np.int8]
    """Index in SPLITS of the split that the source gives each image; all 0 (train) where it gives none."""
    groups_M: npt.NDArray[np.int64] | None = None
    """Number of each image's group (a person, a burst), which must stay in one split."""
    notes: tuple[str, ...] = ()
    name: str | None = None
    """Name of the set where its content tells more than its path: `fer2013`."""


def none_readable(where: object, images: int, reason: str) -> DataError:
    """The error where nothing is left of a source; `reason`: why its first image is not."""
    return DataError(f"{where}: none of its {images} images can be read ({reason}).")


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

    def contents(self) -> SourceContents:
        """Labels, classes and given splits.

        Raises: DataError if there is nothing to learn from, or something hostile.
        """
        ...
