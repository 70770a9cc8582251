"""Class and split of an image file, from its path: `<class>/…`, `<split>/<class>/…`, or FER2013's file names.

`automl.data.sources.split_folders` distinguishes splits from classes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from automl.data.decoding.containers import is_image
from automl.data.labels import (
    FER2013,
    FER2013_CLASSES,
    FER2013_SPLITS,
    SPLIT_WORDS,
    class_names_of,
    normalize_label,
)
from automl.data.sources.lost_folders import endings_of, lost_folders, unread_pictures
from automl.data.sources.split_folders import FolderRoles, Parts, read_folders, wrapper_depth
from automl.data.sources.split_words import split_word
from automl.data.split_names import SPLITS, SplitName
from automl.data.tables.label_values import unify_labels
from automl.errors import DataError
from automl.sanitize import one_line


@dataclass(frozen=True)
class ImageEntry:
    """An image with its class and its split."""

    split: SplitName
    class_name: str
    path: str


@dataclass(frozen=True)
class ClassFolder:
    """A folder that a class is called after."""

    split: SplitName
    class_name: str
    path: str


@dataclass(frozen=True)
class Layout:
    """All images of a container, sorted by split, class and path below the class."""

    images: tuple[ImageEntry, ...]
    class_names: tuple[str, ...]
    notes: tuple[str, ...]
    name: str | None = None
    """Name of the set, if it is recognized."""
    lost: tuple[str, ...] = ()
    """Folders beside the class folders of which no image is read, and why; the notes hold them, too."""
    advice: tuple[str, ...] = ()
    """Advice on pictures of types that are not read; likewise."""


def arrange(paths: Iterable[str], *, folders: Iterable[str] = (), hidden: Iterable[str] = ()) -> Layout:
    """Find the class and the split of every image among these paths.

    `folders`: all that are there, so that empty ones are reported. `hidden`: those with images whose names hide them.

    Raises: DataError if no image lies in a class folder, or splits may be classes.
    """
    images: list[str] = []
    others: list[str] = []
    for path in paths:
        (images if is_image(path) else others).append(path)
    class_folders_of, folder_notes = _read_folders({path.rpartition("/")[0] for path in images})
    entries, unplaced = _entries(images, class_folders_of)
    class_folders = {folder.path: folder.class_name for folder in class_folders_of.values()}
    lost = lost_folders(class_folders, {path.rpartition("/")[0] for path in images}, others, folders, tuple(hidden))
    if not entries:
        raise DataError(_nothing_found(images, others) + as_sentences(lost))
    advice = unread_pictures(others)
    notes = [*folder_notes, *_other_files(others), *lost, *advice, *_unplaced_files(unplaced), *_merged(class_folders)]
    if _is_fer2013(entries):
        entries = [_fer2013_entry(entry) for entry in entries]
        notes.append("recognized as FER2013: PublicTest is validation, PrivateTest is test, classes in Kaggle's order")
        class_names = sorted({entry.class_name for entry in entries}, key=FER2013_CLASSES.index)
        return Layout(_in_order(entries, class_names), tuple(class_names), tuple(notes), FER2013, lost, advice)
    unified = unify_labels({entry.class_name for entry in entries}, where="the class folders")
    entries = [replace(entry, class_name=unified.names[entry.class_name]) for entry in entries]
    notes += unified.notes
    class_names = list(class_names_of(entry.class_name for entry in entries))
    return Layout(_in_order(entries, class_names), tuple(class_names), tuple(notes), lost=lost, advice=advice)


def _entries(images: Iterable[str], class_folders_of: Mapping[str, ClassFolder]) -> tuple[list[ImageEntry], list[str]]:
    """Images with class and split, and those that lie in no class folder."""
    entries, unplaced = [], []
    for path in images:
        if (folder := class_folders_of.get(path.rpartition("/")[0])) is None:
            unplaced.append(path)
        else:
            entries.append(ImageEntry(folder.split, folder.class_name, path))
    return entries, unplaced


def _read_folders(folders: Collection[str]) -> tuple[dict[str, ClassFolder], tuple[str, ...]]:
    """The class folder in or above each folder of images, where there is one, and notes on the splits."""
    whole = {folder: [*filter(None, folder.split("/")), "*"] for folder in sorted(folders)}
    depth = _enclosing_folders(whole.values())
    inner = {folder: _below(parts, depth) for folder, parts in whole.items()}
    roles = read_folders(inner.values())
    wrappers = _wrappers(inner.values(), roles.splits)
    class_folders_of = {}
    for folder, parts in inner.items():
        if (found := _split_and_index(parts, roles, wrappers)) is not None:
            split, index = found
            name = parts[index]
            path = "/".join(whole[folder][: len(whole[folder]) - len(parts) + index + 1])
            class_folders_of[folder] = ClassFolder(split, normalize_label(name) or one_line(name), path)
    return class_folders_of, roles.notes


def _below(parts: Parts, depth: int) -> Parts:
    """The path below the enclosing folders; an image beside them has its name alone."""
    return parts[min(depth, len(parts) - 1) :]


def _split_and_index(parts: Parts, roles: FolderRoles, wrappers: Mapping[str, int]) -> tuple[SplitName, int] | None:
    """The split, and the index of the class folder among the parts; None where there is none."""
    if roles.splits:
        split, index = roles.splits.get(parts[0]), 1 + wrappers.get(parts[0], 0)
        return None if split is None or index >= len(parts) - 1 else (split, index)
    if len(parts) == 1:
        return None
    if roles.split_second and (word := split_word(parts[1])) is not None:
        return word.split, 0
    return "train", 0


def _wrappers(paths: Iterable[Parts], splits: Mapping[str, SplitName]) -> dict[str, int]:
    """How many folders to pass over in each split's before the class folders come."""
    inside: dict[str, list[Parts]] = {folder: [] for folder in splits}
    for parts in paths:
        if parts[0] in inside:
            inside[parts[0]].append(parts[1:-1])
    firsts = [{folders[0] for folders in rows if folders} for rows in inside.values()]
    classes = {name for names in firsts if len(names) > 1 for name in names}
    return {folder: wrapper_depth(rows, splits[folder], classes=classes) for folder, rows in inside.items()}


def _enclosing_folders(all_parts: Collection[Parts]) -> int:
    """How many folders hold all the others and are neither split nor class."""
    deepest = max(map(len, all_parts), default=0)
    depth = 0
    while depth + 2 < deepest:
        folders = {parts[depth] for parts in all_parts if len(parts) > depth + 1}  # an image beside them says nothing
        if len(folders) > 1 or folders.pop().lower() in SPLIT_WORDS:
            break
        depth += 1
    return depth


def _is_fer2013(entries: Sequence[ImageEntry]) -> bool:
    prefixes = {_prefix(entry.path) for entry in entries}
    classes = {entry.class_name.lower() for entry in entries}
    return prefixes <= set(FER2013_SPLITS) and prefixes != {"Training"} and classes <= set(FER2013_CLASSES)


def _fer2013_entry(entry: ImageEntry) -> ImageEntry:
    return ImageEntry(FER2013_SPLITS[_prefix(entry.path)], entry.class_name.lower(), entry.path)


def _prefix(path: str) -> str:
    return path.rpartition("/")[2].partition("_")[0]


def _in_order(entries: Sequence[ImageEntry], class_names: Sequence[str]) -> tuple[ImageEntry, ...]:
    """Sorted so that an enclosing folder, or `val` for `validation`, does not change the order."""
    rank = {name: number for number, name in enumerate(class_names)}
    return tuple(sorted(entries, key=lambda entry: (SPLITS.index(entry.split), rank[entry.class_name], entry.path)))


def _nothing_found(images: Sequence[str], others: Sequence[str]) -> str:
    if images:
        return (
            f"{len(images)} images, but none in a class folder (for example {one_line(images[0])!r}). "
            "Put the images of each class into a folder of its name: <class>/… or train/<class>/…."
        )
    found = (
        f"{len(others)} files that are no images by their ending ({endings_of(others)})" if others else "it is empty"
    )
    return (
        f"No images: {found}. Expected <class>/… or train/<class>/… with "
        f".jpg, .png, .bmp, .webp, .avif, .gif or .tif files.{as_sentences(unread_pictures(others))}"
    )


def as_sentences(notes: Sequence[str]) -> str:
    """Notes as sentences at the end of a message."""
    return "".join(f" {note[0].upper()}{note[1:]}." for note in notes)


def _other_files(others: Sequence[str]) -> list[str]:
    if not others:
        return []
    return [f"{len(others)} files are no images by their ending and are left aside ({endings_of(others)})"]


def _merged(class_folders: Mapping[str, str]) -> list[str]:
    """Notes on folders that are one class though their names are spelt in two ways.

    `class_folders`: the class by path.
    """
    spellings: dict[str, set[str]] = {}
    for path, name in class_folders.items():
        spellings.setdefault(name, set()).add(path.rpartition("/")[2])
    return [
        f"{len(folders)} folders are the class {name!r}: their names differ only in blanks or in the form of accents"
        for name, folders in sorted(spellings.items())
        if len(folders) > 1
    ]


def _unplaced_files(unplaced: Sequence[str]) -> list[str]:
    if not unplaced:
        return []
    return [
        f"{len(unplaced)} images lie in no class of a known split and are left aside (first: {one_line(unplaced[0])})"
    ]
