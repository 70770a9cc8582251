"""Which folders are splits, by their names and by what lies in them. What is in doubt is refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from automl.data.labels import SPLIT_WORDS, normalize_label
from automl.data.sources.split_words import FILLERS, UNLABELLED, SplitWord, split_word, words_of
from automl.data.split_names import SPLITS, SplitName
from automl.errors import DataError

LISTED = 5
"""Number of folders that a message names before it counts the others."""
ADVICE = (
    "Call the folders of the splits train, val and test, with a folder for each class in each of them. "
    "If all of them are classes, put them together into one folder called train."
)
Parts = Sequence[str]
"""A path below the enclosing folders, cut at its slashes; the last part is the file's name."""


@dataclass(frozen=True)
class FolderRoles:
    """What the first folders of all paths mean."""

    splits: Mapping[str, SplitName] = field(default_factory=dict)
    """Splits by folder; empty where the folders are classes."""
    split_second: bool = False
    """Whether the folders are classes with splits in them: `cat/train/1.png`."""
    notes: tuple[str, ...] = ()


def read_folders(paths: Collection[Parts]) -> FolderRoles:
    """Tell splits from classes among the first folders.

    Raises: DataError with the names that look like splits, where they may be classes as well.
    """
    inside = _inside(paths)
    labelled = [name for name in inside if not UNLABELLED.intersection(words_of(name))]
    found = {name: word for name in labelled if (word := split_word(name)) is not None}
    others = [name for name in labelled if name not in found]
    if not found:
        return _read_second_folders(paths)
    if len({word.split for word in found.values()}) == 1:
        return _read_one_split(found, others, inside)
    return _read_splits(found, others, inside)


def wrapper_depth(folders: Collection[Parts], split: SplitName, *, classes: Collection[str]) -> int:
    """How many folders inside a split's hold all the others without being a class: the second of `train/train/cat`.

    `folders`: of each image, below the split's. `classes`: names that are known to be classes.
    """
    depth = 0
    while len(names := {parts[depth] for parts in folders if len(parts) > depth}) == 1:
        name = names.pop()
        word, words = split_word(name), words_of(name)
        same_split = word is not None and word.split == split
        if name in classes or not (same_split or (words and FILLERS.issuperset(words))):
            break
        depth += 1
    return depth


def _inside(paths: Iterable[Parts]) -> dict[str, set[str]]:
    """The folders in each of the first folders; none where all of its images lie right in it."""
    inside: dict[str, set[str]] = {}
    for parts in paths:
        if len(parts) > 1:
            inside.setdefault(parts[0], set()).update(parts[1:-1][:1])
    return dict(sorted(inside.items()))


def _read_splits(found: Mapping[str, SplitWord], others: Sequence[str], inside: Mapping[str, set[str]]) -> FolderRoles:
    """Folders that speak of two splits or of all three."""
    if len({word.rest for word in found.values()}) > 1:
        raise _doubt(found, "their names differ in more than the split")
    if not _distinct(found):
        raise _doubt(found, "several of them mean one split")
    if others and not any(inside[name] for name in found):
        raise _doubt(found, f"they have no class folders in them, and {_names(others)} beside them")
    return _as_splits(found)


def _read_one_split(
    found: Mapping[str, SplitWord], others: Sequence[str], inside: Mapping[str, set[str]]
) -> FolderRoles:
    """Folders that all speak of one split: `train` alone, or a railway among other vehicles."""
    plain = {name: word for name, word in found.items() if not word.rest}
    if not plain:  # steam_train and bullet_train; or seg_train, beside seg_pred
        return _as_splits(found) if len(found) == 1 and not others else _as_classes(found)
    beside = [*others, *(name for name in found if name not in plain)]
    if not beside:
        if not _distinct(plain):
            raise _doubt(plain, "several of them mean one split")
        return _as_splits(plain)
    if _may_be_class(plain, beside) and not any(inside[name] for name in plain):
        return _as_classes(plain)
    raise _doubt(plain, f"{_names(beside)} beside {'it' if len(plain) == 1 else 'them'}")


def _read_second_folders(paths: Collection[Parts]) -> FolderRoles:
    """Classes; with splits in them, if every image lies in one."""
    words = {tuple(parts[:2]): split_word(parts[1]) for parts in paths if len(parts) > 2}
    splits = {folders: word.split for folders, word in words.items() if word is not None and not word.rest}
    by_class = Counter(folder for folder, _ in splits)
    kinds = {folder: {split for (first, _), split in splits.items() if first == folder} for folder in by_class}
    if len(set(splits.values())) < 2 or not (
        any(len(kind) > 1 for kind in kinds.values()) or len(splits) == len(words)
    ):
        return FolderRoles()
    first_folders = {parts[0] for parts in paths if len(parts) > 1}
    whole = all(len(parts) == 3 and tuple(parts[:2]) in splits for parts in paths if len(parts) > 1)
    if whole and all(len(kinds.get(folder, ())) == by_class[folder] > 1 for folder in first_folders):
        return FolderRoles(split_second=True, notes=("splits are the folders inside the class folders",))
    names = ["/".join(folders) for folders in sorted(splits)]
    raise DataError(
        f"The folders {_listed(names)} look like splits inside of classes, and not every image lies in one. {ADVICE}"
    )


def _as_splits(found: Mapping[str, SplitWord]) -> FolderRoles:
    unusual = [name for name in found if name.lower() not in SPLIT_WORDS]
    order = sorted(found, key=lambda name: (SPLITS.index(found[name].split), name))
    note = "splits by the folders' names: " + ", ".join(
        f"{normalize_label(name)!r} is {found[name].split}" for name in order
    )
    return FolderRoles({name: word.split for name, word in found.items()}, notes=(note,) if unusual else ())


def _as_classes(found: Collection[str]) -> FolderRoles:
    if len(found) == 1:
        return FolderRoles(notes=(f"the folder {_listed(found)} is read as a class, though its name is a split's",))
    return FolderRoles(notes=(f"the folders {_listed(found)} are read as classes, though they are named like splits",))


def _distinct(found: Mapping[str, SplitWord]) -> bool:
    """Whether no two folders mean one split; those that are called just `val` and `dev` may."""
    exact = all(name.lower() in SPLIT_WORDS for name in found)
    return exact or len({word.split for word in found.values()}) == len(found)


def _may_be_class(plain: Mapping[str, SplitWord], beside: Sequence[str]) -> bool:
    """Whether there are such things: a train among vehicles, the valid among the invalid."""
    if any(name.lower() not in SPLIT_WORDS for name in plain):
        return False
    if {name.lower() for name in plain} == {"valid"}:
        return any(name.lower() == "invalid" for name in beside)
    return all(word.split == "train" for word in plain.values())


def _doubt(found: Collection[str], why: str) -> DataError:
    if len(found) == 1:
        return DataError(f"The folder {_listed(found)} looks like a split, but it may be a class: {why}. {ADVICE}")
    return DataError(f"The folders {_listed(found)} look like splits, but this is in doubt: {why}. {ADVICE}")


def _names(others: Sequence[str]) -> str:
    return f"there {'is' if len(others) == 1 else 'are'} {_listed(others)}"


def _listed(names: Collection[str]) -> str:
    shown = [repr(normalize_label(name)) for name in sorted(names)[:LISTED]]
    return ", ".join(shown) + (f" and {len(names) - LISTED} more" if len(names) > LISTED else "")
