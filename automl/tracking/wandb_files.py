"""wandb's files on this machine."""

from __future__ import annotations

import shutil
from pathlib import Path


def cache_of(folder: Path, study_uid: str) -> Path:
    """Folder of wandb's copies of what the study's runs log, for a later upload."""
    return folder / "wandb" / "cache" / study_uid


def delete_runs(folder: Path, *, study_uid: str) -> None:
    """Delete the files below `folder`/wandb of all runs whose id begins with the study's, and their cache."""
    for path in (folder / "wandb").glob(f"*run-*-{study_uid}-*"):
        shutil.rmtree(path)
    cache = cache_of(folder, study_uid)
    if cache.exists():
        shutil.rmtree(cache)
