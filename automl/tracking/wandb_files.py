"""What wandb has left on this machine."""

from __future__ import annotations

import shutil
from pathlib import Path


def delete_runs(folder: Path, *, study_uid: str) -> None:
    """Delete the files below `folder`/wandb of all runs whose id begins with the study's."""
    for path in (folder / "wandb").glob(f"*run-*-{study_uid}-*"):
        shutil.rmtree(path)
