"""From the paths in a table to files: from the table's folder on, or from another one where that is beyond doubt."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from automl.data.tables.listed_images import ImageFiles
from automl.data.tables.name_matching import FOUND_SHARE, Match, common_root, match_names
from automl.errors import DataError

LISTED = 3
"""Number of folders that a note names."""


@dataclass(frozen=True)
class Located:
    """Where the images of a table are."""

    names: Sequence[str]
    """Names to open; those that lead nowhere are as the table has them."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Lookup:
    """The paths of one table."""

    paths: Sequence[str]
    """Paths as they are written, at least one."""
    files: ImageFiles
    base: str
    """The table's folder among the files: empty, or with a slash at its end."""
    table: str
    """The table's path, for messages."""
    first_line: int
    """The line of the first path."""

    def locate(self) -> Located:
        """Find the files.

        Paths start at the table's folder. Where not one of them leads to a file from there, they may do so without the
        folders that all of them begin with, from one folder below the table's, or from the folder above it; names
        may lack an image's ending.

        Raises: DataError if the paths lead nowhere, or to several files.
        """
        paths = [self._with_slashes(path) for path in self.paths]
        names = [posixpath.join(self.base, path) for path in paths]
        if any(found := [self.files.find(name) for name in names]):
            return Located([there or name for there, name in zip(found, names, strict=True)])
        located = self._without_common_folders(paths) or self._below(paths) or self._above(paths)
        if located is None:
            raise DataError(
                f"{self.table}: none of its {len(paths):,} paths leads to a file. The first, {self.paths[0]!r} "
                f"(line {self.first_line}), was looked for at {self._shown(names[0])}: paths start at the table's "
                "folder. Correct them, or move the table beside the images."
            )
        return located

    def _with_slashes(self, path: str) -> str:
        """The path; with slashes, where a backslash can only be Windows'."""
        if "\\" in path and self.files.find(posixpath.join(self.base, path)) is None:
            return path.replace("\\", "/")
        return path

    def _shown(self, name: str) -> str:
        return str(Path(self.table).parent / name.removeprefix(self.base))

    def _without_common_folders(self, paths: Sequence[str]) -> Located | None:
        """The table was moved together with its images, from another machine or a folder above."""
        common = _common_folders(paths)
        for dropped in range(1, len(common) + 1):
            tails = ["/".join(_parts(path)[dropped:]) for path in paths]
            if located := self._from(tails, lambda tail: posixpath.join(self.base, tail)):
                left_out = "/".join(common[:dropped])
                return Located(located, (f"the paths are read without {left_out!r}, from the table's folder on",))
        return None

    def _above(self, paths: Sequence[str]) -> Located | None:
        located = self._from(paths, lambda path: posixpath.join(self.base, "..", path))
        return Located(located, ("the paths are read from the folder above the table's",)) if located else None

    def _from(self, paths: Sequence[str], name_of: Callable[[str], str]) -> list[str] | None:
        names = [name_of(path) for path in paths]
        found = [self.files.find(name) for name in names]
        if sum(there is not None for there in found) < FOUND_SHARE * len(paths):
            return None
        return [there or name for there, name in zip(found, names, strict=True)]

    def _below(self, paths: Sequence[str]) -> Located | None:
        """Names in one folder below, each of them in only one, or without their endings."""
        tails = [posixpath.normpath(path) for path in paths]
        matches = match_names(tails, self.files.images(), base=self.base, table=self.table)
        if sum(map(bool, matches)) < FOUND_SHARE * len(paths):
            return None
        root = common_root(matches, base=self.base, table=self.table)
        names = []
        for number, (path, found) in enumerate(zip(paths, matches, strict=True)):
            candidates = [name for at, name in found if root is None or at == root]
            if len(candidates) > 1:
                raise self._doubt(number, candidates)
            names.append(candidates[0] if candidates else posixpath.join(self.base, path))
        return Located(names, _notes(matches, names, self.base))

    def _doubt(self, number: int, candidates: Sequence[str]) -> DataError:
        first, second = sorted(candidates)[:2]
        return DataError(
            f"{self.table}: {self.paths[number]!r} may be {first!r} or {second!r}. Write paths that start at the "
            "table's folder, with their endings."
        )


def _notes(matches: Sequence[Sequence[Match]], names: Sequence[str], base: str) -> tuple[str, ...]:
    chosen = set(names)
    roots = sorted({root.removeprefix(base) for found in matches for root, name in found if name in chosen} - {""})
    if not roots:
        return ()
    more = ", …" if len(roots) > LISTED else ""
    return (f"the paths are read from {', '.join(map(repr, roots[:LISTED]))}{more}, below the table's folder",)


def _common_folders(paths: Sequence[str]) -> list[str]:
    """The folders that all paths begin with."""
    first, last = _parts(min(paths))[:-1], _parts(max(paths))[:-1]
    return [one for one, _ in takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False))]


def _parts(path: str) -> list[str]:
    return path.split("/")
