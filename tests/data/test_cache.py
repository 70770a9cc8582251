from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from automl.data.decoding.decode_log import NAME
from automl.data.decoding.decoding_processes import CHUNK_IMAGES
from automl.data.loading import load_data_set
from automl.data.sizing import Sizing
from tests.data.pictures import pack, save_classes, save_picture

LOAD = """
import sys
from pathlib import Path
from automl.data.loading import load_data_set
from automl.errors import DataError
calls = []
try:
    data = load_data_set(sys.argv[1], home=Path(sys.argv[2]), on_progress=lambda done, total: calls.append(done))
    heavy = {"torch", "sklearn", "PIL", "joblib"} & set(sys.modules)
    print(data.fingerprint, "decoded" if calls else "cached", *sorted(heavy))
except DataError as error:
    print("DataError:", error)
"""

KILLED_LATER = """
import os, signal, sys
from pathlib import Path
import psutil
from automl.data.loading import load_data_set
def progress(done, total):
    if done >= int(sys.argv[3]):
        print(*(child.pid for child in psutil.Process().children(recursive=True)), flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
load_data_set(sys.argv[1], home=Path(sys.argv[2]), on_progress=progress)
"""

HOLD = """
import fcntl, sys, time
file = open(sys.argv[1])
fcntl.flock(file, fcntl.LOCK_EX)
print(flush=True)
time.sleep(600)
"""


def start_loading(reference: Path | str, home: Path, *before: str) -> subprocess.Popen[str]:
    command = [*before, sys.executable, "-c", LOAD, str(reference), str(home)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen[str]) -> str:
    output, errors = process.communicate(timeout=120)
    assert (process.returncode, errors) == (0, "")
    return output.strip()


def images_files(home: Path) -> list[Path]:
    return list((home / "cache").rglob("images.npy"))


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return save_classes(tmp_path / "photos", {"a": 10, "b": 10})


def test_second_load_maps_the_first_ones_pixels_without_heavy_imports(photos: Path, tmp_path: Path) -> None:
    assert " decoded" in finish(start_loading(photos, tmp_path))
    assert finish(start_loading(photos, tmp_path)).endswith(" cached")


def test_digits_in_the_cache_need_no_scikit_learn(tmp_path: Path) -> None:
    assert "sklearn" in finish(start_loading("digits", tmp_path))
    assert finish(start_loading("digits", tmp_path)).endswith(" cached")


def test_concurrent_loaders_decode_once(photos: Path, tmp_path: Path) -> None:
    outputs = [finish(process) for process in [start_loading(photos, tmp_path) for _ in range(3)]]
    assert len({output.split()[0] for output in outputs}) == 1
    assert sorted(output.split()[1] for output in outputs) == ["cached", "cached", "decoded"]


@pytest.mark.parametrize("packed", [False, True])
def test_changed_source_is_decoded_anew_and_the_old_pixels_go(photos: Path, tmp_path: Path, packed: bool) -> None:
    source = pack(photos, tmp_path / "photos.zip") if packed else photos
    before = load_data_set(str(source), home=tmp_path)
    pixels_before = before.splits["train"].images_MHWC.copy()
    save_picture(photos / "a" / "000.png", seed=99)
    if packed:
        pack(photos, source)
    after = load_data_set(str(source), home=tmp_path)
    assert after.fingerprint != before.fingerprint
    assert len(images_files(tmp_path)) == 1
    assert (before.splits["train"].images_MHWC == pixels_before).all()


def test_a_new_text_file_beside_the_images_decodes_nothing(photos: Path, tmp_path: Path) -> None:
    load_data_set(str(photos), home=tmp_path)
    (photos / "README.txt").write_text("words")
    heard: list[int] = []
    load_data_set(str(photos), home=tmp_path, on_progress=lambda done, total: heard.append(done))
    assert heard == []


def test_damaged_cache_is_made_again(photos: Path, tmp_path: Path) -> None:
    load_data_set(str(photos), home=tmp_path)
    images_files(tmp_path)[0].unlink()
    load_data_set(str(photos), home=tmp_path)
    assert len(images_files(tmp_path)) == 1


def test_killed_decoding_goes_on_where_it_was(tmp_path: Path) -> None:
    photos = save_classes(tmp_path / "photos", {"a": 300, "b": 300})
    uninterrupted = load_data_set(str(photos), home=tmp_path / "elsewhere").fingerprint
    killed = subprocess.run([sys.executable, "-c", KILLED_LATER, photos, tmp_path, "300"], check=False, timeout=120)
    assert killed.returncode == -signal.SIGKILL
    log = next((tmp_path / "cache").rglob(NAME))
    recorded = [json.loads(line)["images"] for line in log.read_text().splitlines()[1:]]
    assert sum(recorded) >= 300
    with log.open("a") as file:
        file.write('{"first": 0, "ima')  # what a kill in mid-write leaves
    heard: list[tuple[int, int]] = []
    data = load_data_set(str(photos), home=tmp_path, on_progress=lambda *progress: heard.append(progress))
    decoded_again = (len(heard) - 1) * CHUNK_IMAGES
    assert heard[0] == (sum(recorded), 600)
    assert heard[-1] == (600, 600)
    assert decoded_again <= 600 - sum(recorded) + CHUNK_IMAGES
    assert data.fingerprint == uninterrupted


def test_finished_decoding_without_its_name_is_not_done_again(photos: Path, tmp_path: Path) -> None:
    load_data_set(str(photos), home=tmp_path)
    folder = images_files(tmp_path)[0].parent
    folder.rename(folder.with_name(folder.name + ".partial"))
    heard: list[int] = []
    load_data_set(str(photos), home=tmp_path, on_progress=lambda done, total: heard.append(done))
    assert heard == []
    assert [file.parent for file in images_files(tmp_path)] == [folder]
    assert {file.name for file in folder.iterdir()} == {"images.npy", "index.npz", "originals.json", "record.json"}


def test_decoding_processes_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    photos = save_classes(tmp_path / "photos", {"a": 150, "b": 150})
    command = [sys.executable, "-c", KILLED_LATER, str(photos), str(tmp_path), "64"]
    killed = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False, timeout=120)
    assert killed.returncode == -signal.SIGKILL
    children = [int(pid) for pid in killed.stdout.split()]
    assert len(children) >= min(2, os.cpu_count() or 1)
    ended = time.monotonic() + 30
    while any(map(psutil.pid_exists, children)) and time.monotonic() < ended:
        time.sleep(0.1)
    assert not any(map(psutil.pid_exists, children))


def test_two_sizings_of_a_set_lie_side_by_side(photos: Path, tmp_path: Path) -> None:
    small, own = Sizing(8, "pad"), Sizing()
    shapes = [load_data_set(str(photos), home=tmp_path, sizing=sizing).image_shape for sizing in (small, own)]
    assert shapes == [(1, 8, 8), (1, 7, 9)]
    heard: list[int] = []
    for sizing in (small, own):
        load_data_set(str(photos), home=tmp_path, sizing=sizing, on_progress=lambda done, total: heard.append(done))
    assert heard == []


def test_killed_loader_frees_the_lock(photos: Path, tmp_path: Path) -> None:
    load_data_set(str(photos), home=tmp_path)
    lock = next((tmp_path / "cache").rglob("lock"))
    shutil.rmtree(images_files(tmp_path)[0].parent)
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(lock)], stdout=subprocess.PIPE)
    with holder, lock.open() as file:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        holder.send_signal(signal.SIGKILL)
        load_data_set(str(photos), home=tmp_path)
    assert len(images_files(tmp_path)) == 1


def test_unguarded_script_loads_data_once(photos: Path, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(LOAD)
    command = [sys.executable, str(script), str(photos), str(tmp_path)]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    result = subprocess.run(command, capture_output=True, text=True, env=environment, check=True, timeout=120)
    assert result.stdout.count("decoded") == 1
    assert result.stderr == ""


def test_full_disk_is_reported_with_the_bytes_needed_and_leaves_nothing(photos: Path, tmp_path: Path) -> None:
    home = tmp_path / "small"
    home.mkdir()
    in_namespace = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
    mount = 'mount -t tmpfs -o size=64k tmpfs "$0"'
    if shutil.which("unshare") is None or subprocess.run([*in_namespace, mount, home], capture_output=True).returncode:
        pytest.skip("a small file system needs Linux and the right to make user namespaces")
    for index in range(10):
        save_picture(photos / "a" / f"large{index}.png", seed=index, size=(128, 128))
        save_picture(photos / "b" / f"large{index}.png", seed=index, size=(128, 128))
    script = f'{mount} && "$@" && find "$0" -type f'
    output = finish(start_loading(photos, home, *in_namespace, script, str(home)))
    message, *left = output.splitlines()
    assert message.startswith("DataError: No space left for the image cache: ")
    assert message.endswith("Free some space, or set AUTOML_HOME to a folder on another disk.")
    assert " needs 0.2 MB. " in message
    assert [Path(file).name for file in left] == ["lock"]


def test_home_that_is_a_file_is_reported(photos: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.touch()
    message = finish(start_loading(photos, home))
    assert message.startswith(f"DataError: Cannot use the image cache {home}/cache/photos-")
    assert message.endswith("Not a directory. Make it writable, or set AUTOML_HOME to a folder on another disk.")
