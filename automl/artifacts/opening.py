"""The store at an address: a folder (local, or a mount that machines share), or a bucket of S3's."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from automl.artifacts.store import S3, ArtifactStore, FolderStore
from automl.errors import SettingsError
from automl.masking import mask_keys, unquoted
from automl.settings import expand_home


def open_artifacts(address: str, environment: Mapping[str, str] = os.environ) -> ArtifactStore:
    """The store at an address; nothing is contacted or made yet.

    `environment`: where the credentials of S3 are, with the names that every tool of AWS reads.

    Raises: SettingsError if the address cannot be one, or if boto3 is missing.
    """
    address = unquoted(address)
    _refuse_keys(address)
    if address.startswith(S3):
        return _open_bucket(address, environment)
    if re.match(r"[A-Za-z][\w+.-]+:/", address):
        raise SettingsError(
            f"Artifacts cannot lie in {mask_keys(address)}: "
            f"--artifacts (AUTOML_ARTIFACTS) takes a folder or {S3}BUCKET/PREFIX."
        )
    return FolderStore(expand_home(address).absolute())


def _refuse_keys(address: str) -> None:
    """Refuse keys inside the address of a bucket, where every message would show them."""
    if not address.startswith(S3):
        return
    path, _, options = address.removeprefix(S3).partition("?")
    bucket = path.partition("/")[0]
    if not {":", "@"}.isdisjoint(bucket) or re.search("key|secret|token|password", options, re.IGNORECASE):
        raise SettingsError(
            f"{mask_keys(address)} has keys in it, and --artifacts (AUTOML_ARTIFACTS) takes none: it reads "
            f"{S3}BUCKET/PREFIX. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, instead."
        )


def _open_bucket(address: str, environment: Mapping[str, str]) -> ArtifactStore:
    try:
        from automl.artifacts.s3 import open_bucket  # boto3 takes 0.2 s, and is of the extra `s3`
    except ImportError as error:
        raise SettingsError(
            f"Artifacts in {address} need boto3, which is not installed: pip install 'optuna-automl[s3]'"
        ) from error
    return open_bucket(address, environment)
