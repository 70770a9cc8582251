"""From the paths in a table to files: from the table's folder on, or from another one where that is beyond doubt."""

from __future__ import annotations

import os
import posixpath
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from itertools import takewhile
from pathlib import Path
from typing import Protocol

from automl.data.decoding.containers import is_ignored, is_image
from automl.errors import DataError

FOUND_SHARE = 0.99
"""Of the paths, that another folder must have; the loading bears as many unreadable images."""
DEEPEST, MOST_FILES = 4, 1_000_000
"""Folders and files below a table among which its images are looked for: it may lie in a home folder."""
LISTED = 3
"""Folders that a note names."""
SPLIT_WORD = re.compile(r"(?i:(train|val|test)(?:ing|id|idation)?)(?![a-z])")
"""What the name of a table, or of a folder of images, begins with."""


class Files(Protocol):
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
        """The path itself, if something is there that is no folder; a link that leads nowhere is told as unreadable."""
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


@dataclass(frozen=True)
class Located:
    """Where the images of a table are."""

    names: Sequence[str]
    """To be opened; those that lead nowhere are as the table has them."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Lookup:
    """The paths of one table."""

    paths: Sequence[str]
    """As they are written, at least one."""
    files: Files
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
        matches = self._matches(tails)
        if sum(map(bool, matches)) < FOUND_SHARE * len(paths):
            return None
        root = self._common_root(matches)
        names = []
        for number, (path, found) in enumerate(zip(paths, matches, strict=True)):
            candidates = [name for at, name in found if root is None or at == root]
            if len(candidates) > 1:
                raise self._doubt(number, candidates)
            names.append(candidates[0] if candidates else posixpath.join(self.base, path))
        return Located(names, _notes(matches, names, self.base))

    def _matches(self, tails: Sequence[str]) -> list[list[tuple[str, str]]]:
        """For each path the folders in which it is found, each with the file's name."""
        by_name, by_stem, by_small = defaultdict(list), defaultdict(list), defaultdict(list)
        is_other = lru_cache(partial(_other_split, self.table))
        for name in self.files.images():
            folder, _, last = name.rpartition("/")
            if name.startswith(self.base) and not is_other(folder):
                by_name[last].append(name)
                by_stem[posixpath.splitext(last)[0]].append(name)
                by_small[last.lower()].append(name)
        found = []
        for tail in tails:
            last = posixpath.basename(tail)
            found.append(
                _ending_in(tail, by_name.get(last, ()))
                or _ending_in(tail, by_stem.get(last, ()))
                or _ending_in(tail, by_small.get(last.lower(), ()), fold=str.lower)  # x.JPG, written on Windows
            )
        return found

    def _common_root(self, matches: Sequence[Sequence[tuple[str, str]]]) -> str | None:
        """The folder that has nearly all of the paths: the table's own, or the only one, or the one called like it."""
        counts = Counter(root for found in matches for root in {root for root, _ in found})
        roots = [root for root, count in counts.items() if count >= FOUND_SHARE * len(matches)]
        if self.base in roots:
            return self.base
        if len(roots) > 1 and (word := _split_word(Path(self.table).name)):
            roots = [root for root in roots if _split_word(root.rstrip("/").rpartition("/")[2]) == word]
        return roots[0] if len(roots) == 1 else None

    def _doubt(self, number: int, candidates: Sequence[str]) -> DataError:
        first, second = sorted(candidates)[:2]
        return DataError(
            f"{self.table}: {self.paths[number]!r} may be {first!r} or {second!r}. Write paths that start at the "
            "table's folder, with their endings."
        )


def _ending_in(tail: str, names: Iterable[str], *, fold: Callable[[str], str] = str) -> list[tuple[str, str]]:
    """Names that end in these folders and this file, with the folder above them; `fold`: what makes two forms equal."""
    found = []
    for name in names:
        for form in (name, posixpath.splitext(name)[0]):
            if ("/" + fold(form)).endswith("/" + fold(tail)):
                found.append((form[: len(form) - len(tail)], name))
                break
    return found


def _notes(matches: Sequence[Sequence[tuple[str, str]]], names: Sequence[str], base: str) -> tuple[str, ...]:
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


def _split_word(name: str) -> str | None:
    found = SPLIT_WORD.match(name)
    return found and found[1].lower()


def _other_split(table: str, folder: str) -> bool:
    """Whether a folder is called like another split than the table: train.csv has no image in test/."""
    own = _split_word(Path(table).name)
    return own is not None and any(_split_word(part) not in (None, own) for part in folder.split("/"))
