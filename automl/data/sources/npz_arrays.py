"""The arrays of a `.npz` file, opened with care: nothing is unpickled, no header is trusted."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

import numpy as np

from automl.data.decoding.containers import UNREADABLE, Archive
from automl.data.sources.array_names import expected
from automl.errors import DataError


@contextmanager
def open_array(archive: Archive, name: str) -> Iterator[tuple[IO[bytes], tuple[int, ...], bool, np.dtype[np.generic]]]:
    """An array's file, left at its first value, with its shape, whether columns come first, and its type.

    Raises: DataError if it is no array, damaged, pickled, or smaller than its header says: nothing is read or
    allocated on the word of a header alone.
    """
    try:
        with archive.open(f"{name}.npy") as file:
            version = np.lib.format.read_magic(file)
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, columns_first, dtype = read(file)
            _refuse_pickled(archive, name, shape, dtype)
            _check_size(archive, name, math.prod(shape) * dtype.itemsize)
            yield file, shape, columns_first, dtype
    except (*UNREADABLE, ValueError) as error:
        raise DataError(f"{archive.path}: the array {name!r} cannot be read: {error}. {expected()}") from error


def _refuse_pickled(archive: Archive, name: str, shape: tuple[int, ...], dtype: np.dtype[np.generic]) -> None:
    if dtype.hasobject:
        raise DataError(
            f"{archive.path}: {name!r} is {form_of(shape, dtype)}: pickled objects, which are not read, as they may "
            "run code. Save words with .astype(str), and images as one array with .astype('uint8')."
        )


def _check_size(archive: Archive, name: str, promised_bytes: int) -> None:
    if promised_bytes > archive.size_bytes(f"{name}.npy"):
        raise DataError(f"{archive.path}: the array {name!r} breaks off. Save it again.")


def form_of(shape: tuple[int, ...], dtype: np.dtype[np.generic]) -> str:
    """Shape and type of an array, for messages."""
    return f"{' × '.join(map(str, shape)) or 'a single value'} of {dtype}"
