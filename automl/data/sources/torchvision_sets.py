"""torchvision's sets by name, through torchvision's own loaders: files that are there are used, others downloaded."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from automl.data.decoding.arrays import ArrayImages
from automl.data.labels import split_numbers
from automl.data.source_contents import SourceContents
from automl.errors import DataError


@dataclass(frozen=True)
class Download:
    """Where torchvision keeps a set, and what its files are called."""

    loader: str
    folder: str
    """Below the set's own folder."""
    files: tuple[str, ...]


IDX_FILES = tuple(f"{part}-{kind}-ubyte.gz" for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1"))
DOWNLOADS: Mapping[str, Download] = {
    "mnist": Download("MNIST", "MNIST/raw", IDX_FILES),
    "fashion-mnist": Download("FashionMNIST", "FashionMNIST/raw", IDX_FILES),
    "kmnist": Download("KMNIST", "KMNIST/raw", IDX_FILES),
    "cifar10": Download("CIFAR10", "", ("cifar-10-python.tar.gz",)),
    "cifar100": Download("CIFAR100", "", ("cifar-100-python.tar.gz",)),
    "svhn": Download("SVHN", "", ("train_32x32.mat", "test_32x32.mat")),
}
DAMAGED = (AssertionError, EOFError, IndexError, KeyError, RuntimeError, TypeError, ValueError)
"""Exceptions of torchvision's loaders on damaged files; only MNIST's are not checked by their MD5."""


@dataclass(frozen=True)
class TorchvisionSet:
    """One of them, its files kept in `folder`."""

    name: str
    folder: Path

    @property
    def reference(self) -> str:
        """The name."""
        return self.name

    def identity(self) -> str:
        """Always the same: torchvision checks the files."""
        return self.name

    def contents(self) -> SourceContents:
        """Pixels and labels; torchvision's test set is test.

        Raises: DataError naming the files to put where, if they are damaged, or not there and cannot be downloaded.
        """
        try:
            train, test = self._load(train=True), self._load(train=False)
            pixels, labels = zip(*(_arrays(part, self.name) for part in (train, test)), strict=True)
            images = ArrayImages(np.concatenate(pixels))
        except DAMAGED as error:
            raise DataError(
                f"{self.name}: the files in {self.folder} are damaged ({_reason(error)}). {self._expected()}"
            ) from error
        return SourceContents(
            images=images,
            class_names=_class_names(train),
            labels_M=np.concatenate(labels).astype(np.int64),
            splits_M=np.repeat(split_numbers(("train", "test")), [len(part) for part in labels]),
        )

    def _load(self, *, train: bool) -> Any:
        from torchvision import datasets  # seconds to import, and the cache does without

        part: dict[str, object] = {"split": "train" if train else "test"} if self.name == "svhn" else {"train": train}
        loader = getattr(datasets, DOWNLOADS[self.name].loader)
        try:
            return loader(self.folder, **part)
        except RuntimeError as error:
            if "Dataset not found" not in str(error):
                raise
            return self._download(loader, part)

    def _download(self, loader: Callable[..., Any], part: Mapping[str, object]) -> Any:
        try:
            with redirect_stdout(sys.stderr):  # torchvision prints, and our standard output is for answers
                return loader(self.folder, **part, download=True)
        except (RuntimeError, OSError) as error:
            raise DataError(
                f"{self.name} is not in {self.folder} and cannot be downloaded ({_reason(error)}). {self._expected()}"
            ) from error

    def _expected(self) -> str:
        download = DOWNLOADS[self.name]
        return f"Put {', '.join(download.files)} into {self.folder / download.folder}."


def _reason(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0].rstrip(":")


def _arrays(part: Any, name: str) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Pixels N × H × W × C and labels N from the form in which the loader keeps them.

    Raises: ValueError if there are more of one than of the other.
    """
    pixels, labels_N = np.asarray(part.data), np.asarray(part.labels if name == "svhn" else part.targets)
    if len(pixels) != len(labels_N):
        raise ValueError(f"{len(labels_N)} labels for {len(pixels)} images")
    if name == "svhn":
        return pixels.transpose(0, 2, 3, 1), labels_N
    return pixels[..., np.newaxis] if pixels.ndim == 3 else pixels, labels_N


def _class_names(loaded: Any) -> tuple[str, ...]:
    return tuple(getattr(loaded, "classes", map(str, range(10))))
