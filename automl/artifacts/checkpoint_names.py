"""Names of checkpoints among the artifacts."""

from __future__ import annotations

from automl.artifacts.store import ArtifactStore


def checkpoint_folder(study_uid: str) -> str:
    """Where the checkpoints of a study's running trials lie among the artifacts, which databases may share."""
    return f"checkpoints/{study_uid}"


def checkpoint_name(study_uid: str, number: int, attempt: int) -> str:
    """A file for each attempt, so that a worker that lost its lease cannot overwrite the newer one's."""
    return f"{checkpoint_folder(study_uid)}/{number}-{attempt}.pt"


def checkpoints_of(artifacts: ArtifactStore, study_uid: str, number: int) -> list[str]:
    """Checkpoints of all attempts at a trial, the newest attempt first."""
    names = artifacts.names(f"{checkpoint_folder(study_uid)}/{number}-")
    return sorted(names, key=_attempt, reverse=True)


def _attempt(name: str) -> int:
    return int(name.rpartition("-")[2].removesuffix(".pt"))
