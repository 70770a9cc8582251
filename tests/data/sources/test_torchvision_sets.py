from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest

from automl.data.loading import load_data_set
from automl.data.sources.torchvision_sets import DOWNLOADS
from automl.data.split_names import SPLITS
from automl.errors import DataError
from tests.data.torchvision_files import TEST, TRAIN, idx, images, labels, save

CODE = """
import sys
from pathlib import Path
from automl.data.loading import load_data_set
from automl.errors import DataError
for name in sys.argv[2:]:
    try:
        load_data_set(name, home=Path(sys.argv[1]))
    except DataError as error:
        print(error)
"""


@pytest.mark.parametrize("name", DOWNLOADS)
def test_files_that_are_there_are_used_without_a_network(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    save(name, tmp_path, monkeypatch)
    data = load_data_set(name, home=tmp_path)
    train_NHWC, test_NHWC = images(name, TRAIN, seed=0), images(name, TEST, seed=1)
    height, width, channels = train_NHWC.shape[1:]
    classes = 20 if name == "cifar100" else 10
    assert (data.name, data.image_shape, len(data.class_names)) == (name, (channels, height, width), classes)
    one_each = classes  # of so few images, one of each class becomes validation
    assert [len(data.splits[split]) for split in SPLITS] == [TRAIN - one_each, one_each, TEST]
    assert np.array_equal(data.splits["train"].images_MHWC, np.concatenate([train_NHWC, test_NHWC]))
    labels_M = np.concatenate([labels(name, TRAIN), labels(name, TEST)])
    for split in data.splits.values():
        assert np.array_equal(split.labels_N, labels_M[split.rows_N])
    assert data.splits["test"].rows_N.tolist() == list(range(TRAIN, TRAIN + TEST))
    assert capsys.readouterr().out == ""


def test_names_of_the_classes_are_those_of_the_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, first in (("cifar10", "airplane"), ("cifar100", "class_00"), ("fashion-mnist", "T-shirt/top")):
        save(name, tmp_path, monkeypatch)
        assert load_data_set(name, home=tmp_path).class_names[0] == first


def test_unpacked_files_are_used_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = save("cifar10", tmp_path, monkeypatch)
    with tarfile.open(folder / "cifar-10-python.tar.gz") as archive:
        archive.extractall(folder, filter="data")
    (folder / "cifar-10-python.tar.gz").unlink()
    assert len(load_data_set("cifar10", home=tmp_path).splits["test"]) == TEST


def test_without_files_and_network_the_files_are_named(tmp_path: Path) -> None:
    nowhere = dict.fromkeys(("http_proxy", "https_proxy"), "http://127.0.0.1:9")
    command = [sys.executable, "-c", CODE, str(tmp_path), *DOWNLOADS]
    result = subprocess.run(command, capture_output=True, text=True, env=os.environ | nowhere, timeout=300)
    messages = result.stdout.splitlines()
    assert len(messages) == len(DOWNLOADS), result.stderr
    for message, (name, download) in zip(messages, DOWNLOADS.items(), strict=True):
        folder = tmp_path / "datasets" / name
        assert message.startswith(f"{name} is not in {folder} and cannot be downloaded (")
        assert message.endswith(f"Put {', '.join(download.files)} into {folder / download.folder}.")


@pytest.mark.parametrize("content", [b"<html>not found</html>", b"", idx(np.zeros((3, 28, 28), np.uint8))[:-5]])
def test_damaged_files_are_reported(tmp_path: Path, content: bytes) -> None:
    folder = tmp_path / "datasets" / "mnist"
    (folder / "MNIST" / "raw").mkdir(parents=True)
    for name in DOWNLOADS["mnist"].files:
        (folder / "MNIST" / "raw" / name.removesuffix(".gz")).write_bytes(content)
    with pytest.raises(DataError, match=re.escape(f"mnist: the files in {folder} are damaged (")):
        load_data_set("mnist", home=tmp_path)


def test_labels_of_other_images_are_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = save("mnist", tmp_path, monkeypatch)
    load_data_set("mnist", home=tmp_path)
    shutil.rmtree(tmp_path / "cache")
    (folder / "train-labels-idx1-ubyte").write_bytes(idx(np.zeros(7, np.uint8)))
    with pytest.raises(DataError, match=re.escape("are damaged (7 labels for 120 images). Put ")):
        load_data_set("mnist", home=tmp_path)
