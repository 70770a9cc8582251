"""Image files in class folders, in a folder or a zip."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from automl.data.decoding.containers import Archive, Folder, Tree, ending, is_image
from automl.data.labels import label_numbers, split_numbers
from automl.data.source_contents import SourceContents
from automl.data.sources.fer2013 import Fer2013Table, competition_table
from automl.data.sources.layout import Layout, arrange, as_sentences
from automl.data.splits import check_classes
from automl.data.tables.listing import ENDINGS
from automl.data.tables.metadata import advice_on_tables, described, described_by_one_table
from automl.data.tables.table_files import Table
from automl.errors import DataError


@dataclass(frozen=True)
class FolderOfImages:
    """A folder with a folder for each class."""

    path: Path

    @property
    def name(self) -> str:
        """The folder's."""
        return self.path.name or "images"

    @property
    def reference(self) -> str:
        """The absolute path."""
        return str(self.path)

    @cached_property
    def _tree(self) -> Tree:
        return Folder(self.path).tree()

    def identity(self) -> str:
        """Names, sizes and times of change of the images and of tables, which may hold labels, and empty folders."""
        digest = hashlib.sha256()
        for folder in (*self._tree.folders, *self._tree.hidden):
            digest.update(f"{folder}\0".encode(errors="surrogateescape"))
        for file in self._tree.files:
            if is_image(file.name) or ending(file.name) in ENDINGS:
                digest.update(f"{file.name}\0{file.stamp}\0".encode(errors="surrogateescape"))
        return digest.hexdigest()

    def contents(self) -> SourceContents:
        """Classes and splits from the folders' names.

        Raises: DataError if no image lies in a class folder.
        """
        return _contents(self.path, self._tree)


@dataclass(frozen=True)
class ArchiveOfImages:
    """The same in a zip."""

    path: Path

    @property
    def name(self) -> str:
        """The zip's, without its ending."""
        return self.path.stem

    @property
    def reference(self) -> str:
        """The absolute path."""
        return str(self.path)

    def identity(self) -> str:
        """Size and time of change of the zip: its directory is not read."""
        status = self.path.stat()
        return f"{status.st_size} {status.st_mtime_ns}"

    def contents(self) -> SourceContents:
        """Classes and splits from the folders' names, or from FER2013's table if the zip is the competition's.

        Raises: DataError if no image lies in a class folder, or the zip is damaged, hostile or encrypted.
        """
        archive = Archive(self.path)
        tree = archive.tree()
        table = competition_table(file.name for file in tree.files)
        if table is not None and not any(is_image(file.name) for file in tree.files):
            return Fer2013Table(self.path, Table(self.path, table)).contents()
        return _contents(self.path, tree, notes=archive.notes)


def _contents(path: Path, tree: Tree, *, notes: tuple[str, ...] = ()) -> SourceContents:
    from automl.data.decoding.decoder import EncodedImages  # Pillow and the process pool: the cache does without

    names = [file.name for file in tree.files]
    if (contents := described(path, names)) is not None:
        return replace(contents, notes=(*notes, *contents.notes))
    try:
        layout = arrange(names, folders=tree.folders, hidden=tree.hidden)
    except DataError as error:
        if (contents := described_by_one_table(path, names)) is not None:
            return replace(contents, notes=(*notes, *contents.notes))
        raise DataError(f"{path}: {error}{advice_on_tables(path, names)}") from error
    contents = SourceContents(
        images=EncodedImages(path, tuple(entry.path for entry in layout.images)),
        class_names=layout.class_names,
        labels_M=label_numbers([entry.class_name for entry in layout.images], layout.class_names),
        splits_M=split_numbers([entry.split for entry in layout.images]),
        notes=(*notes, *layout.notes),
        name=layout.name,
    )
    _check_classes(path, contents, layout)
    return contents


def _check_classes(path: Path, contents: SourceContents, layout: Layout) -> None:
    """Raise: DataError if too little is there to learn from; it names the folders that may hold the rest."""
    try:
        check_classes(contents.labels_M, contents.splits_M, contents.class_names, reference=str(path))
    except DataError as error:
        if not layout.lost:
            raise
        raise DataError(f"{error}{as_sentences((*layout.lost, *layout.advice))}") from error
