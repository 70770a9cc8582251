from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from automl.data.dataset import SPLITS
from automl.data.loading import load_data_set
from automl.data.torchvision_sets import DOWNLOADS

CODE = """
import sys
from pathlib import Path
from automl.data.loading import load_data_set
from automl.errors import DataError
try:
    load_data_set(sys.argv[1], home=Path(sys.argv[2]))
except DataError as error:
    print(error)
"""


def write_idx(path: Path, array: npt.NDArray[np.uint8]) -> None:
    """The format of MNIST's files: two zero bytes, 8 for uint8, the number of axes, their sizes, the values."""
    path.parent.mkdir(parents=True, exist_ok=True)
    header = bytes((0, 0, 8, array.ndim)) + np.array(array.shape, ">i4").tobytes()
    path.write_bytes(header + array.tobytes())


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist", "kmnist"])
def test_downloaded_files_are_used(tmp_path: Path, name: str) -> None:
    raw = tmp_path / "datasets" / name / DOWNLOADS[name].folder
    images = np.random.default_rng(0).integers(0, 256, (140, 28, 28), dtype=np.uint8)
    labels = (np.arange(140) % 10).astype(np.uint8)
    for part, rows in (("train", slice(0, 120)), ("t10k", slice(120, 140))):
        write_idx(raw / f"{part}-images-idx3-ubyte", images[rows])
        write_idx(raw / f"{part}-labels-idx1-ubyte", labels[rows])
    data = load_data_set(name, home=tmp_path)
    assert (data.name, data.image_shape, len(data.class_names)) == (name, (1, 28, 28), 10)
    assert [len(data.splits[split]) for split in SPLITS] == [110, 10, 20]
    assert data.splits["test"].rows_N.tolist() == list(range(120, 140))
    assert np.array_equal(data.splits["train"].images_MHWC[..., 0], images)
    assert np.array_equal(data.splits["test"].labels_N, labels[120:])


@pytest.mark.parametrize("name", ["mnist", "cifar10", "svhn"])
def test_without_files_and_network_the_files_are_named(tmp_path: Path, name: str) -> None:
    nowhere = dict.fromkeys(("http_proxy", "https_proxy"), "http://127.0.0.1:9")
    command = [sys.executable, "-c", CODE, name, str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True, env=os.environ | nowhere, timeout=120)
    folder = tmp_path / "datasets" / name
    message = result.stdout.rstrip("\n")
    assert message.startswith(f"{name} is not in {folder} and cannot be downloaded (")
    assert message.endswith(f"Put {', '.join(DOWNLOADS[name].files)} into {folder / DOWNLOADS[name].folder}.")
