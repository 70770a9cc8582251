"""Artifacts in a bucket: Amazon's S3, or whatever speaks its protocol (AWS_ENDPOINT_URL)."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from automl.artifacts.store import S3, temporary_file
from automl.errors import SettingsError, StorageError
from automl.masking import HIDDEN, mask_keys, unquoted

RETRIES = 8
"""Number of boto3's tries, with growing, jittered pauses: a minute or two in all."""
ANSWER_SECONDS = 10
"""Longest time to connect, and between two pieces of an answer, in seconds."""
MISSING = ("404", "NoSuchKey")
CREDENTIALS = {
    "aws_access_key_id": "AWS_ACCESS_KEY_ID",
    "aws_secret_access_key": "AWS_SECRET_ACCESS_KEY",
    "aws_session_token": "AWS_SESSION_TOKEN",
    "region_name": "AWS_DEFAULT_REGION",
    "profile_name": "AWS_PROFILE",
}


def open_bucket(address: str, environment: Mapping[str, str]) -> BucketStore:
    """The store at `s3://BUCKET/PREFIX`; without keys in `environment`, boto3 looks where every tool of AWS does.

    Raises: SettingsError if the address names no bucket, or if boto3 cannot use its settings.
    """
    bucket, _, prefix = address.removeprefix(S3).strip("/").partition("/")
    if not bucket:
        raise SettingsError(f"{address} names no bucket: --artifacts (AUTOML_ARTIFACTS) reads {S3}BUCKET/PREFIX.")
    given = {option: environment[name] for option, name in CREDENTIALS.items() if environment.get(name)}
    endpoint = unquoted(environment.get("AWS_ENDPOINT_URL_S3") or environment.get("AWS_ENDPOINT_URL") or "") or None
    _refuse_user(endpoint or "")
    config = Config(
        connect_timeout=ANSWER_SECONDS,
        read_timeout=ANSWER_SECONDS,
        retries={"mode": "standard", "max_attempts": RETRIES},
    )
    try:
        client = boto3.Session(**given).client("s3", endpoint_url=endpoint, config=config)
    except (BotoCoreError, ValueError) as error:
        raise SettingsError(f"Artifacts in {address} cannot be used: {_reason(error)}") from error
    _refuse_user(str(client.meta.endpoint_url))  # of AWS's own files
    return BucketStore(client, bucket, prefix)


def _refuse_user(endpoint: str) -> None:
    """Refuse a user and a password inside the address of a server, where its every message would show them."""
    if "@" in endpoint:
        raise SettingsError(
            f"The endpoint {mask_keys(endpoint)} has a user or keys in it, and AWS_ENDPOINT_URL takes none. "
            "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, instead."
        )


def _reason(error: Exception) -> str:
    """What boto3 says, without a user and a password in its URLs."""
    return re.sub(r"://[^\s'\"]*@", f"://{HIDDEN}@", str(error))


class BucketStore:
    """Objects of a bucket below a prefix; S3 itself makes each of them appear whole."""

    def __init__(self, client: Any, bucket: str, prefix: str) -> None:
        """`client`: of boto3, for S3."""
        self._client = client
        self._bucket = bucket
        self._prefix = prefix

    @property
    def address(self) -> str:
        """`s3://bucket/prefix`."""
        return f"{S3}{self._bucket}/{self._prefix}".rstrip("/")

    @property
    def disk(self) -> Path:
        """The folder for temporary files, through which every file goes."""
        return Path(tempfile.gettempdir())

    @contextmanager
    def writing(self, name: str) -> Iterator[Path]:
        """A temporary file, uploaded at the end."""
        with temporary_file() as path:
            yield path
            with self._translated_errors():
                self._client.upload_file(str(path), self._bucket, self._key(name))

    @contextmanager
    def reading(self, name: str) -> Iterator[Path]:
        """A downloaded copy, which is deleted at the end."""
        with temporary_file() as path:
            with self._translated_errors(name):
                self._client.download_file(self._bucket, self._key(name), str(path))
            yield path

    def exists(self, name: str) -> bool:
        """Whether there is an object of this name."""
        try:
            with self._translated_errors(name):
                self._client.head_object(Bucket=self._bucket, Key=self._key(name))
        except FileNotFoundError:
            return False
        return True

    def names(self, prefix: str) -> list[str]:
        """Names of all objects that begin with `prefix`."""
        inside = len(self._key(""))
        with self._translated_errors():
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=self._key(prefix)
            )
            return sorted(item["Key"][inside:] for page in pages for item in page.get("Contents", ()))

    def remove(self, name: str) -> None:
        """Delete an object, if it is there."""
        with self._translated_errors():
            self._client.delete_object(Bucket=self._bucket, Key=self._key(name))

    def remove_folder(self, name: str) -> None:
        """Delete all objects below a name."""
        for one in self.names(f"{name}/"):
            self.remove(one)

    def _key(self, name: str) -> str:
        return f"{self._prefix}/{name}" if self._prefix else name

    @contextmanager
    def _translated_errors(self, name: str | None = None) -> Iterator[None]:
        """Turn errors of boto3's into ours; a missing object `name` into FileNotFoundError."""
        try:
            yield
        except ClientError as error:
            if name is not None and error.response.get("Error", {}).get("Code") in MISSING:
                raise FileNotFoundError(f"There is no {self.address}/{name}") from error
            raise self._unreachable(error) from error
        except (BotoCoreError, Boto3Error) as error:
            raise self._unreachable(error) from error

    def _unreachable(self, error: Exception) -> StorageError:
        return StorageError(
            f"Cannot use {self.address}: {_reason(error)}. See that the bucket is there, and that AWS_ACCESS_KEY_ID, "
            "AWS_SECRET_ACCESS_KEY and, unless it is Amazon's, AWS_ENDPOINT_URL are set."
        )
