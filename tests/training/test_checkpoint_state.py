from __future__ import annotations

import os
import re
import resource
import signal
from pathlib import Path

import pytest
import torch

from automl.data.disk_space import is_disk_full
from automl.errors import TrainingError
from automl.training.checkpoint_state import load_checkpoint, save_checkpoint


def test_state_comes_back_as_it_was(tmp_path: Path) -> None:
    state = {"weights": {"a": torch.arange(3.0)}, "epoch": 4, "none": None, "list": [1, 2.5, "x"]}
    save_checkpoint(state, tmp_path / "run.pt")
    loaded = load_checkpoint(tmp_path / "run.pt")
    torch.testing.assert_close(loaded.pop("weights"), {"a": torch.arange(3.0)})
    assert loaded == {"epoch": 4, "none": None, "list": [1, 2.5, "x"]}


def test_failed_save_keeps_the_old_state_and_leaves_nothing_beside(tmp_path: Path) -> None:
    path = tmp_path / "run.pt"
    save_checkpoint({"epoch": 1}, path)
    with pytest.raises(AttributeError, match="pickle"):
        save_checkpoint({"epoch": 2, "unpicklable": lambda: None}, path)
    assert load_checkpoint(path) == {"epoch": 1}
    assert list(tmp_path.iterdir()) == [path]


LARGE = {"weights": torch.zeros(100_000)}


def limited(path: Path, *, on_excess: signal.Handlers) -> int:
    """Exit code of a process that saves LARGE where a file may have 10 kB: 0 if it is told so by an error."""
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGXFSZ, on_excess)
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
        try:
            save_checkpoint(LARGE, path)
        except OSError as error:
            os._exit(0 if is_disk_full(error) else 1)
        os._exit(2)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_save_killed_half_way_leaves_the_old_state(tmp_path: Path) -> None:
    path = tmp_path / "run.pt"
    save_checkpoint({"epoch": 1}, path)
    assert limited(path, on_excess=signal.Handlers.SIG_DFL) == -signal.SIGXFSZ
    assert load_checkpoint(path) == {"epoch": 1}


def test_full_disk_is_an_error_that_says_so_and_leaves_nothing_beside(tmp_path: Path) -> None:
    path = tmp_path / "run.pt"
    save_checkpoint({"epoch": 1}, path)
    assert limited(path, on_excess=signal.Handlers.SIG_IGN) == 0
    assert load_checkpoint(path) == {"epoch": 1}
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("content", [b"", b"no checkpoint at all", b"PK\x03\x04 cut off"])
def test_damaged_file_is_explained(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "run.pt"
    path.write_bytes(content)
    with pytest.raises(
        TrainingError, match=re.escape(f"{path} is no checkpoint: ") + ".*Delete it to start that run anew"
    ):
        load_checkpoint(path)


def test_code_in_a_file_is_not_executed(tmp_path: Path) -> None:
    class Foreign:
        def __reduce__(self) -> tuple[object, ...]:
            return (os.mkdir, (str(tmp_path / "executed"),))

    path = tmp_path / "run.pt"
    torch.save({"state": Foreign()}, path)
    with pytest.raises(TrainingError, match="is no checkpoint"):
        load_checkpoint(path)
    assert not (tmp_path / "executed").exists()


def test_missing_file_is_not_called_damaged(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load_checkpoint(tmp_path / "none.pt")
