"""Small files in the real formats of torchvision's sets, where a person would put the real ones.

torchvision knows each real file by its MD5, which no small file has: those tables of MD5s are the one thing that a test
has to replace. The names of the files, their layout and the loaders stay torchvision's.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import pickle
import struct
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pytest
from scipy.io import savemat
from torchvision import datasets

from automl.data.sources.torchvision_sets import DOWNLOADS

Pixels = npt.NDArray[np.uint8]
TRAIN, TEST = 120, 20


def idx(array: npt.NDArray[np.uint8]) -> bytes:
    """The format of MNIST's files: two zero bytes, 8 for uint8, the number of axes, their sizes, the values."""
    return bytes((0, 0, 8, array.ndim)) + np.array(array.shape, ">i4").tobytes() + array.tobytes()


class Python2Pickler(pickle._Pickler):  # the one in Python, as that in C cannot be told how to write bytes
    """Writes what Python 2 wrote: bytes as its `str`, and numpy's types with numbers for truth values."""

    dispatch: ClassVar[dict[type, Any]] = dict(pickle._Pickler.dispatch)

    def save_bytes(self, text: bytes) -> None:
        self.write(pickle.BINSTRING + struct.pack("<i", len(text)) + text)  # type: ignore[attr-defined]  # typeshed knows the public names alone
        self.memoize(text)  # type: ignore[attr-defined]

    dispatch[bytes] = save_bytes

    def reducer_override(self, value: object) -> Any:
        return (np.dtype, (b"u1", 0, 1), value.__reduce__()[2]) if isinstance(value, np.dtype) else NotImplemented


def pickled(entry: Mapping[bytes, object]) -> bytes:
    """As cPickle of Python 2 wrote the batches of CIFAR."""
    buffer = io.BytesIO()
    Python2Pickler(buffer, protocol=2).dump(dict(entry))
    return buffer.getvalue()


def images(name: str, count: int, *, seed: int) -> Pixels:
    """Noise in the set's shape, N × H × W × C."""
    shape = (28, 28, 1) if "mnist" in name else (32, 32, 3)
    return np.random.default_rng(seed).integers(0, 256, (count, *shape), dtype=np.uint8)


def labels(name: str, count: int) -> npt.NDArray[np.int64]:
    """Every class of the set in turn."""
    return np.arange(count) % (20 if name == "cifar100" else 10)


def save(name: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write the files that the set's message names where it says, and let torchvision know them; returns the folder."""
    folder = home / "datasets" / name / DOWNLOADS[name].folder
    folder.mkdir(parents=True)
    parts = {"train": images(name, TRAIN, seed=0), "test": images(name, TEST, seed=1)}
    {"cifar10": _save_cifar10, "cifar100": _save_cifar100, "svhn": _save_svhn}.get(name, _save_mnist)(
        name, folder, parts, monkeypatch
    )
    assert sorted(path.name for path in folder.iterdir()) == sorted(DOWNLOADS[name].files)
    return folder


def _save_mnist(name: str, folder: Path, parts: Mapping[str, Pixels], monkeypatch: pytest.MonkeyPatch) -> None:
    resources = []
    for part, images_NHWC in parts.items():
        arrays = {"images-idx3": images_NHWC[..., 0], "labels-idx1": labels(name, len(images_NHWC)).astype(np.uint8)}
        for kind, array in arrays.items():
            path = folder / f"{part if part == 'train' else 't10k'}-{kind}-ubyte.gz"
            path.write_bytes(gzip.compress(idx(array)))
            resources.append((path.name, _md5(path.read_bytes())))
    monkeypatch.setattr(getattr(datasets, DOWNLOADS[name].loader), "resources", resources)


def _save_cifar10(name: str, folder: Path, parts: Mapping[str, Pixels], monkeypatch: pytest.MonkeyPatch) -> None:
    labels_N = labels(name, TRAIN)
    files = {"test_batch": _batch(b"labels", parts["test"], labels(name, TEST), b"testing batch 1 of 1")}
    for number, rows in enumerate(np.split(np.arange(TRAIN), 5), start=1):
        what = b"training batch %d of 5" % number
        files[f"data_batch_{number}"] = _batch(b"labels", parts["train"][rows], labels_N[rows], what)
    names = [b"airplane", b"automobile", b"bird", b"cat", b"deer", b"dog", b"frog", b"horse", b"ship", b"truck"]
    files["batches.meta"] = pickled({b"num_cases_per_batch": 24, b"label_names": names, b"num_vis": 3072})
    _pack(datasets.CIFAR10, folder, files, ("test_batch",), monkeypatch)


def _save_cifar100(name: str, folder: Path, parts: Mapping[str, Pixels], monkeypatch: pytest.MonkeyPatch) -> None:
    files = {
        part: _batch(b"fine_labels", images_NHWC, labels(name, len(images_NHWC)), b"batch 1 of 1")
        for part, images_NHWC in parts.items()
    }
    names = [b"class_%02d" % number for number in range(20)]
    files["meta"] = pickled({b"fine_label_names": names, b"coarse_label_names": [b"animals", b"things"]})
    _pack(datasets.CIFAR100, folder, files, ("test",), monkeypatch)


def _batch(key: bytes, images_NHWC: Pixels, labels_N: npt.NDArray[np.int64], what: bytes) -> bytes:
    """A batch: rows of 3,072 values, all of red first, then green, then blue."""
    rows_ND = images_NHWC.transpose(0, 3, 1, 2).reshape(len(images_NHWC), -1).copy()
    names = [b"image_%04d.png" % number for number in range(len(rows_ND))]
    return pickled({b"batch_label": what, key: labels_N.tolist(), b"data": rows_ND, b"filenames": names})


def _pack(
    loader: type[datasets.CIFAR10],
    folder: Path,
    files: Mapping[str, bytes],
    test: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with tarfile.open(folder / loader.filename, "w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(f"{loader.base_folder}/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    of_pixels = [[name, _md5(content)] for name, content in files.items() if name != loader.meta["filename"]]
    monkeypatch.setattr(loader, "tgz_md5", _md5((folder / loader.filename).read_bytes()))
    monkeypatch.setattr(loader, "train_list", sorted(entry for entry in of_pixels if entry[0] not in test))
    monkeypatch.setattr(loader, "test_list", [entry for entry in of_pixels if entry[0] in test])
    monkeypatch.setattr(loader, "meta", loader.meta | {"md5": _md5(files[loader.meta["filename"]])})


def _save_svhn(name: str, folder: Path, parts: Mapping[str, Pixels], monkeypatch: pytest.MonkeyPatch) -> None:
    """MATLAB's files: H × W × C × N, and labels from 1 to 10, where 10 is the digit 0."""
    table = dict(datasets.SVHN.split_list)
    for part, images_NHWC in parts.items():
        digits_N = labels(name, len(images_NHWC))
        file = folder / f"{part}_32x32.mat"
        y_N1 = np.where(digits_N == 0, 10, digits_N).astype(np.uint8)[:, np.newaxis]
        savemat(file, {"X": images_NHWC.transpose(1, 2, 3, 0), "y": y_N1})
        table[part] = [*table[part][:2], _md5(file.read_bytes())]
    monkeypatch.setattr(datasets.SVHN, "split_list", table)


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()
