"""The image files that the paths of a table may lead to: in a folder on the disk, or in a container that was listed."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

from automl.data.decoding.containers import is_ignored, is_image

DEEPEST, MOST_FILES = 4, 1_000_000
"""Limits of folders and files below a table among which its images are looked for: it may lie in a home folder."""


class ImageFiles(Protocol):
    """The files among which a table's are."""

    def find(self, name: str) -> str | None:
        """How to open this path, or None if there is nothing."""
        ...

    def images(self) -> Iterable[str]:
        """Names of the images."""
        ...


@dataclass(frozen=True)
class FilesOnDisk:
    """Those in a folder and below it, and wherever its links and `..` lead."""

    folder: Path

    def find(self, name: str) -> str | None:
        """The path itself, if it is no folder and exists; a link that leads nowhere becomes an unreadable image."""
        path = os.path.join(self.folder, name)  # noqa: PTH118 a Path for each of 50,000 names takes a second
        return name if os.path.lexists(path) and not os.path.isdir(path) else None  # noqa: PTH112

    def images(self) -> Iterator[str]:
        """Names of the images, some folders deep; a folder that cannot be read has none."""
        seen = 0
        for path, folders, files in os.walk(self.folder):
            parts = Path(path).relative_to(self.folder).parts
            folders[:] = sorted(name for name in folders if not is_ignored(name) and len(parts) < DEEPEST)
            seen += len(files)
            if seen > MOST_FILES:
                return
            yield from ("/".join((*parts, name)) for name in sorted(files) if is_image(name))


@dataclass(frozen=True)
class ListedFiles:
    """Those of a container that was listed."""

    names: Collection[str]

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self.names)

    def find(self, name: str) -> str | None:
        """The path without its dots, if the container has it."""
        plain = posixpath.normpath(name)
        return plain if plain in self._known else None

    def images(self) -> Iterator[str]:
        """Names of the images."""
        return filter(is_image, self.names)
