"""Download of models that trials uploaded to Weights & Biases."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from automl.errors import SettingsError
from automl.tracking.wandb_mode import has_home, has_key

PREFIX = "wandb:"
REFERENCE = re.compile(r"wandb:([^/:]+)/([^/:]+)/([^/:]+)(?::([^/:]+))?")
ANSWER_SECONDS = 20


def fetch_model(reference: str, folder: Path, *, environment: Mapping[str, str]) -> Path:
    """Download `wandb:ENTITY/PROJECT/ARTIFACT`, its latest version unless `:VERSION` follows; the model's file.

    Raises: SettingsError if the reference has another form, there is no key, wandb does not have it or does not answer,
        or if it holds anything but one `.pt`.
    """
    found = REFERENCE.fullmatch(reference)
    if found is None:
        raise SettingsError(
            f"{reference!r} names no artifact of wandb: it takes wandb:ENTITY/PROJECT/ARTIFACT or "
            "wandb:ENTITY/PROJECT/ARTIFACT:VERSION, as the run's page shows them."
        )
    if not has_key(environment):
        raise SettingsError(
            f"{reference} needs a key of wandb, and there is none: run wandb login, or set WANDB_API_KEY."
        )
    entity, project, artifact, version = found.groups()
    _download(f"{entity}/{project}/{artifact}:{version or 'latest'}", folder, environment)
    files = [path for path in folder.rglob("*") if path.is_file()]
    if [path.suffix for path in files] != [".pt"]:
        names = ", ".join(sorted(path.name for path in files)) or "nothing"
        raise SettingsError(f"{reference} holds {names}: it takes an artifact with one .pt that automl exported.")
    return files[0]


def _download(name: str, folder: Path, environment: Mapping[str, str]) -> None:
    if not has_home(environment):
        os.environ["HOME"] = str(folder.parent)
    import wandb  # half a second, and it reads HOME: `automl evaluate model.pt` does without

    os.environ.update({key: value for key, value in environment.items() if key.startswith("WANDB_")})  # from `.env`
    try:
        wandb.Api(timeout=ANSWER_SECONDS).artifact(name).download(root=str(folder), skip_cache=True)
    except (wandb.Error, ValueError, OSError) as error:
        first_line = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise SettingsError(
            f"wandb does not give {name} ({first_line}). Look at its page: the name is ENTITY/PROJECT/ARTIFACT:VERSION."
        ) from error
