"""Image files by the ends of their names, where the paths of a table do not start at its folder."""

from __future__ import annotations

import posixpath
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache, partial
from pathlib import Path

FOUND_SHARE = 0.99
"""Least share of the paths that another folder must have; the loading bears as many unreadable images."""
SPLIT_WORD = re.compile(r"(?i:(train|val|test)(?:ing|id|idation)?)(?![a-z])")
"""Beginning of the name of a table, or of a folder of images, that is called like a split."""
Match = tuple[str, str]
"""The folder from which a path leads to a file, and the file's name."""


def match_names(tails: Sequence[str], names: Iterable[str], *, base: str, table: str) -> list[list[Match]]:
    """For each end of a path the folders in which it is found, each with the file's name.

    `names`: of the image files. `base`: the table's folder among them. `table`: its path.
    """
    by_name, by_stem, by_small = defaultdict(list), defaultdict(list), defaultdict(list)
    is_other = lru_cache(partial(_other_split, table))
    for name in names:
        folder, _, last = name.rpartition("/")
        if name.startswith(base) and not is_other(folder):
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


def common_root(matches: Sequence[Sequence[Match]], *, base: str, table: str) -> str | None:
    """The folder that has nearly all of the paths: the table's own, or the only one, or the one called like it."""
    counts = Counter(root for found in matches for root in {root for root, _ in found})
    roots = [root for root, count in counts.items() if count >= FOUND_SHARE * len(matches)]
    if base in roots:
        return base
    if len(roots) > 1 and (word := _split_word(Path(table).name)):
        roots = [root for root in roots if _split_word(root.rstrip("/").rpartition("/")[2]) == word]
    return roots[0] if len(roots) == 1 else None


def _ending_in(tail: str, names: Iterable[str], *, fold: Callable[[str], str] = str) -> list[Match]:
    """Names that end in these folders and this file, with the folder above them; `fold`: what makes two forms equal."""
    found = []
    for name in names:
        for form in (name, posixpath.splitext(name)[0]):
            if ("/" + fold(form)).endswith("/" + fold(tail)):
                found.append((form[: len(form) - len(tail)], name))
                break
    return found


def _split_word(name: str) -> str | None:
    found = SPLIT_WORD.match(name)
    return found and found[1].lower()


def _other_split(table: str, folder: str) -> bool:
    """Whether a folder is called like another split than the table: train.csv has no image in test/."""
    own = _split_word(Path(table).name)
    return own is not None and any(_split_word(part) not in (None, own) for part in folder.split("/"))
