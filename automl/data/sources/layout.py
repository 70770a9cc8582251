"""Class and split of an image file, from its path: `<class>/…`, `<split>/<class>/…`, or FER2013's file names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from automl.data.dataset import SPLITS, SplitName
from automl.data.decoding.containers import ending, is_image
from automl.data.sources.labels import FER2013, FER2013_CLASSES, FER2013_SPLITS, SPLIT_WORDS
from automl.errors import DataError
from automl.sanitize import one_line


@dataclass(frozen=True)
class Place:
    """Where an image belongs."""

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


def arrange(paths: Iterable[str]) -> Layout:
    """Find the class and the split of every image among these paths.

    Raises: DataError if no image lies in a class folder.
    """
    paths = list(paths)
    images = [path for path in paths if is_image(path)]
    others = [path for path in paths if not is_image(path)]
    places, unplaced = _places(images)
    if not places:
        raise DataError(_nothing_found(images, others))
    notes = [*_other_files(others), *_unplaced_files(unplaced)]
    if _is_fer2013(places):
        places = [_fer2013_place(place) for place in places]
        notes.append("recognized as FER2013: PublicTest is validation, PrivateTest is test, classes in Kaggle's order")
        class_names = sorted({place.class_name for place in places}, key=FER2013_CLASSES.index)
        return Layout(_in_order(places, class_names), tuple(class_names), tuple(notes), FER2013)
    class_names = sorted({place.class_name for place in places})
    return Layout(_in_order(places, class_names), tuple(class_names), tuple(notes))


def _places(images: Sequence[str]) -> tuple[list[Place], list[str]]:
    """Images with their places, and those that lie in no class folder."""
    depth = _enclosing_folders(images)
    inner = {path: path.split("/")[depth:] for path in images}
    in_folders = [parts for parts in inner.values() if len(parts) > 1]
    # Images right in a folder `train` are a class of that name, unless all folders are named like splits.
    split_first = any(len(parts) > 2 and _split_folder(parts) == "train" for parts in in_folders) or all(
        map(_split_folder, in_folders)
    )
    places, unplaced = [], []
    for path, parts in inner.items():
        split = _split_folder(parts) if split_first else "train"
        folders = parts[1:-1] if split_first else parts[:-1]
        if split is None or not folders:
            unplaced.append(path)
        else:
            places.append(Place(split, one_line(folders[0]), path))
    return places, unplaced


def _enclosing_folders(images: Sequence[str]) -> int:
    """How many folders hold all the others and are neither split nor class."""
    all_parts = [path.split("/") for path in images]
    deepest = max(map(len, all_parts), default=0)
    depth = 0
    while depth + 2 < deepest:
        folders = {parts[depth] for parts in all_parts if len(parts) > depth + 1}  # an image beside them says nothing
        if len(folders) > 1 or folders.pop().lower() in SPLIT_WORDS:
            break
        depth += 1
    return depth


def _split_folder(parts: Sequence[str]) -> SplitName | None:
    return SPLIT_WORDS.get(parts[0].lower()) if len(parts) > 1 else None


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
            f"{len(images)} images, but none in a class folder (for example {images[0]!r}). "
            "Put the images of each class into a folder of its name: <class>/… or train/<class>/…."
        )
    found = f"{len(others)} files that are no images by their ending ({_endings(others)})" if others else "it is empty"
    return (
        f"No images: {found}. Expected <class>/… or train/<class>/… with .jpg, .png, .bmp, .webp, .gif or .tif files."
    )


def _other_files(others: Sequence[str]) -> list[str]:
    if not others:
        return []
    return [f"{len(others)} files are no images by their ending and are left aside ({_endings(others)})"]


def _unplaced_files(unplaced: Sequence[str]) -> list[str]:
    if not unplaced:
        return []
    return [
        f"{len(unplaced)} images lie in no class of a known split and are left aside (first: {one_line(unplaced[0])})"
    ]


def _endings(paths: Iterable[str]) -> str:
    counts = Counter(ending(path) or "no ending" for path in paths)
    return ", ".join(f"{one_line(name)}: {count}" for name, count in counts.most_common(5))
