"""Class and split of an image file, from its path: `<class>/…`, `<split>/<class>/…`, or FER2013's file names.

`automl.data.sources.split_folders` tells splits from classes.
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
class Place:
    """Where an image belongs."""

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

    places: tuple[Place, ...]
    class_names: tuple[str, ...]
    notes: tuple[str, ...]
    name: str | None = None
    """Of the set, if it is recognized."""
    lost: tuple[str, ...] = ()
    """Folders beside the class folders of which no image is read, and why; the notes hold them, too."""
    advice: tuple[str, ...] = ()
    """What to do about pictures of types that are not read; likewise."""


def arrange(paths: Iterable[str], *, folders: Iterable[str] = (), hidden: Iterable[str] = ()) -> Layout:
    """Find the class and the split of every image among these paths.

    `folders`: all that are there, so that empty ones are told. `hidden`: those with images whose names hide them.

    Raises: DataError if no image lies in a class folder, or splits may be classes.
    """
    images: list[str] = []
    others: list[str] = []
    for path in paths:
        (images if is_image(path) else others).append(path)
    entries, reading_notes = _read_folders({path.rpartition("/")[0] for path in images})
    places, unplaced = _places(images, entries)
    class_folders = {entry.path: entry.class_name for entry in entries.values()}
    lost = lost_folders(class_folders, {path.rpartition("/")[0] for path in images}, others, folders, tuple(hidden))
    if not places:
        raise DataError(_nothing_found(images, others) + told(lost))
    advice = unread_pictures(others)
    notes = [*reading_notes, *_other_files(others), *lost, *advice, *_unplaced_files(unplaced), *_merged(class_folders)]
    if _is_fer2013(places):
        places = [_fer2013_place(place) for place in places]
        notes.append("recognized as FER2013: PublicTest is validation, PrivateTest is test, classes in Kaggle's order")
        class_names = sorted({place.class_name for place in places}, key=FER2013_CLASSES.index)
        return Layout(_in_order(places, class_names), tuple(class_names), tuple(notes), FER2013, lost, advice)
    unified = unify_labels({place.class_name for place in places}, where="the class folders")
    places = [replace(place, class_name=unified.names[place.class_name]) for place in places]
    notes += unified.notes
    class_names = list(class_names_of(place.class_name for place in places))
    return Layout(_in_order(places, class_names), tuple(class_names), tuple(notes), lost=lost, advice=advice)


def _places(images: Iterable[str], entries: Mapping[str, ClassFolder]) -> tuple[list[Place], list[str]]:
    """Images with their places, and those that lie in no class folder."""
    places, unplaced = [], []
    for path in images:
        if (entry := entries.get(path.rpartition("/")[0])) is None:
            unplaced.append(path)
        else:
            places.append(Place(entry.split, entry.class_name, path))
    return places, unplaced


def _read_folders(folders: Collection[str]) -> tuple[dict[str, ClassFolder], tuple[str, ...]]:
    """The class folder in or above each folder of images, where there is one, and what to say about it."""
    whole = {folder: [*filter(None, folder.split("/")), "*"] for folder in sorted(folders)}
    depth = _enclosing_folders(whole.values())
    inner = {folder: _below(parts, depth) for folder, parts in whole.items()}
    reading = read_folders(inner.values())
    wrappers = _wrappers(inner.values(), reading.splits)
    entries = {}
    for folder, parts in inner.items():
        if (found := _split_and_place(parts, reading, wrappers)) is not None:
            split, place = found
            name = parts[place]
            path = "/".join(whole[folder][: len(whole[folder]) - len(parts) + place + 1])
            entries[folder] = ClassFolder(split, normalize_label(name) or one_line(name), path)
    return entries, reading.notes


def _below(parts: Parts, depth: int) -> Parts:
    """The path below the enclosing folders; an image beside them has its name alone."""
    return parts[min(depth, len(parts) - 1) :]


def _split_and_place(parts: Parts, reading: FolderRoles, wrappers: Mapping[str, int]) -> tuple[SplitName, int] | None:
    """The split, and which part is the class folder; None where there is none."""
    if reading.splits:
        split, place = reading.splits.get(parts[0]), 1 + wrappers.get(parts[0], 0)
        return None if split is None or place >= len(parts) - 1 else (split, place)
    if len(parts) == 1:
        return None
    if reading.split_second and (word := split_word(parts[1])) is not None:
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


def _is_fer2013(places: Sequence[Place]) -> bool:
    prefixes = {_prefix(place.path) for place in places}
    classes = {place.class_name.lower() for place in places}
    return prefixes <= set(FER2013_SPLITS) and prefixes != {"Training"} and classes <= set(FER2013_CLASSES)


def _fer2013_place(place: Place) -> Place:
    return Place(FER2013_SPLITS[_prefix(place.path)], place.class_name.lower(), place.path)


def _prefix(path: str) -> str:
    return path.rpartition("/")[2].partition("_")[0]


def _in_order(places: Sequence[Place], class_names: Sequence[str]) -> tuple[Place, ...]:
    """Sorted so that an enclosing folder, or `val` for `validation`, does not change the order."""
    rank = {name: number for number, name in enumerate(class_names)}
    return tuple(sorted(places, key=lambda place: (SPLITS.index(place.split), rank[place.class_name], place.path)))


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
        f".jpg, .png, .bmp, .webp, .avif, .gif or .tif files.{told(unread_pictures(others))}"
    )


def told(notes: Sequence[str]) -> str:
    """Notes as sentences at the end of a message."""
    return "".join(f" {note[0].upper()}{note[1:]}." for note in notes)


def _other_files(others: Sequence[str]) -> list[str]:
    if not others:
        return []
    return [f"{len(others)} files are no images by their ending and are left aside ({endings_of(others)})"]


def _merged(class_folders: Mapping[str, str]) -> list[str]:
    """Say which folders are one class though their names are spelt in two ways; the class by path is given."""
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
