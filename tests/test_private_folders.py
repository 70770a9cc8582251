from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from automl.data.disk_space import PixelFile
from automl.private_folders import make_home, make_private

AROUND = 0o711 if os.geteuid() == 0 else 0o700


@pytest.fixture(autouse=True)
def open_umask() -> Iterator[None]:
    """One that closes nothing by itself."""
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_folders_are_closed_to_others_whatever_the_umask(tmp_path: Path) -> None:
    make_private(tmp_path / "home" / "cache" / "digits")
    assert [mode(tmp_path / path) for path in ("home/cache/digits", "home/cache", "home")] == [0o700, AROUND, AROUND]


def test_home_lets_nobody_but_the_servers_user_pass_and_that_only_for_root(tmp_path: Path) -> None:
    make_home(tmp_path / "home")
    assert mode(tmp_path / "home") == AROUND


def test_permissions_of_folders_that_are_there_stay(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir(mode=0o755)
    make_private(tmp_path / "shared")
    assert mode(tmp_path / "shared") == 0o755


def test_file_in_the_way_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError, match=re.escape(str(tmp_path / "file"))):
        make_private(tmp_path / "file" / "home")


def test_decoded_images_are_closed_to_others(tmp_path: Path) -> None:
    pixels = PixelFile(tmp_path / "cache" / "digits", 2).allocate((1, 2, 2))
    assert np.load(pixels).shape == (2, 2, 2, 1)
    assert mode(pixels.parent) == 0o700
