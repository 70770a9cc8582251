"""The image files that a command line names: files, folders, globs and zips."""

from __future__ import annotations

import glob
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from automl.data.decoding.containers import IMAGE_ENDINGS, Archive, Folder, ending, is_image
from automl.errors import DataError
from automl.settings import expand_home


@dataclass(frozen=True)
class ImageFile:
    """One file of a folder or a zip."""

    name: str
    """Displayed name: a path; in a zip, the path of the zip with the path inside."""
    container: Folder | Archive
    member: str

    def open(self) -> IO[bytes]:
        """The file's bytes.

        Raises: OSError if it cannot be read; what zipfile raises if the zip is damaged.
        """
        return self.container.open(self.member)


def find_images(arguments: Iterable[str]) -> list[ImageFile]:
    """Every image once, in the order of the arguments; a file that is named itself may have any ending.

    Raises: DataError if an argument leads to no image, or a zip is hostile.
    """
    return list({file.name: file for argument in arguments for file in _found(argument)}.values())


def _found(argument: str) -> list[ImageFile]:
    if argument.startswith("~"):  # in quotes, as a glob may be, the shell leaves it
        argument = str(expand_home(argument))
    if Path(argument).exists():
        return _at(argument)
    if not glob.has_magic(argument):
        raise DataError(f"There is no file or folder {argument}. Give images, folders, globs or zips of them.")
    matches = sorted(glob.glob(argument, recursive=True))  # noqa: PTH207 absolute patterns, too
    found = [file for match in matches for file in _matched(match)]
    if not found:
        raise DataError(f"{argument} matches no image here. Known endings: {_endings()}.")
    return found


def _matched(path: str) -> Iterator[ImageFile]:
    """Images of one match of a glob, which may also be something else, or a folder without images."""
    if Path(path).is_dir():
        yield from _images_in(Folder(Path(path)), path)
    elif ending(path) == ".zip" or is_image(path):
        yield from _at(path)


def _at(argument: str) -> list[ImageFile]:
    path = Path(argument)
    if not path.is_dir() and ending(argument) != ".zip":
        return [ImageFile(argument, Folder(path.parent), path.name)]
    found = _images_in(Folder(path) if path.is_dir() else Archive(path), argument)
    if not found:
        raise DataError(f"{argument} has no image in it. Known endings: {_endings()}.")
    return found


def _images_in(container: Folder | Archive, argument: str) -> list[ImageFile]:
    return [
        ImageFile(str(Path(argument, file.name)), container, file.name)
        for file in container.files()
        if is_image(file.name)
    ]


def _endings() -> str:
    return ", ".join(sorted(IMAGE_ENDINGS))
