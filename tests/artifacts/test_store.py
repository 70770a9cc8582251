"""Both kinds of stores keep the same promises."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from optuna.artifacts.exceptions import ArtifactNotFound

from automl.artifacts.dashboard_store import OptunaArtifacts
from automl.artifacts.opening import open_artifacts
from automl.artifacts.store import ABANDONED_SECONDS, ArtifactStore, check_writable, copy_file
from automl.errors import SettingsError, StorageError
from tests.conftest import Bucket

KEYS = (
    "has keys in it, and --artifacts (AUTOML_ARTIFACTS) takes none: it reads s3://BUCKET/PREFIX. "
    "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, instead."
)


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ArtifactStore:
    if request.param == "folder":
        return open_artifacts(str(tmp_path / "artifacts"))
    bucket: Bucket = request.getfixturevalue("bucket")
    return open_artifacts(bucket.address, bucket.environment)


def put(store: ArtifactStore, name: str, content: bytes) -> None:
    with store.writing(name) as path:
        path.write_bytes(content)


def content_of(store: ArtifactStore, name: str) -> bytes:
    with store.reading(name) as path:
        return path.read_bytes()


def test_what_was_written_is_read_and_replaced_and_removed(store: ArtifactStore) -> None:
    assert not store.exists("a/b")
    put(store, "a/b", b"one")
    put(store, "a/b", b"two")
    assert store.exists("a/b")
    assert content_of(store, "a/b") == b"two"
    store.remove("a/b")
    store.remove("a/b")
    assert not store.exists("a/b")


def test_a_file_whose_writing_failed_is_not_there_and_leaves_nothing(store: ArtifactStore, tmp_path: Path) -> None:
    put(store, "kept", b"before")

    def fail() -> None:
        with store.writing("kept") as path:
            path.write_bytes(b"half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert content_of(store, "kept") == b"before"
    assert store.names("") == ["kept"]
    assert [file for file in tmp_path.rglob("*") if file.is_file() and file.name != "kept"] == []


def test_names_of_a_folder_begin_with_the_prefix(store: ArtifactStore) -> None:
    for name in ("c/1-0.pt", "c/1-1.pt", "c/10-0.pt", "top"):
        put(store, name, b"x")
    assert store.names("c/1-") == ["c/1-0.pt", "c/1-1.pt"]
    assert store.names("nothing/1-") == []
    store.remove_folder("c")
    store.remove_folder("c")
    assert store.names("c/") == []
    assert store.exists("top")


def test_a_missing_file_is_told_with_its_address(store: ArtifactStore) -> None:
    with pytest.raises(FileNotFoundError, match=re.escape(f"There is no {store.address}/gone")), store.reading("gone"):
        raise AssertionError


def test_a_file_is_copied_into_another_store(store: ArtifactStore, tmp_path: Path) -> None:
    other = open_artifacts(str(tmp_path / "other"))
    put(store, "here", b"content")
    copy_file(store, "here", other, "there")
    assert content_of(other, "there") == b"content"


def test_a_store_that_can_be_written_is_left_as_it_was(store: ArtifactStore) -> None:
    check_writable(store)
    assert store.names("") == []


def test_optuna_reads_and_writes_through_it(store: ArtifactStore, tmp_path: Path) -> None:
    artifacts = OptunaArtifacts(store, read_only=False)
    (tmp_path / "source").write_bytes(b"weights")
    with (tmp_path / "source").open("rb") as source:
        artifacts.write("one", source)
    with artifacts.open_reader("one") as reader:
        assert reader.read() == b"weights"
    artifacts.remove("one")
    with pytest.raises(ArtifactNotFound):
        artifacts.open_reader("one")


def test_optuna_deletes_nothing_where_it_may_only_read(store: ArtifactStore) -> None:
    put(store, "one", b"weights")
    with pytest.raises(PermissionError, match=f"Artifacts in {store.address} are read-only here"):
        OptunaArtifacts(store, read_only=True).remove("one")
    assert content_of(store, "one") == b"weights"


def test_what_a_killed_process_left_half_written_goes_after_an_hour(tmp_path: Path) -> None:
    store = open_artifacts(str(tmp_path))
    put(store, "one", b"x")
    old, young = tmp_path / ".partial" / "old", tmp_path / ".partial" / "young"
    for file in (old, young):
        file.touch()
    long_ago = old.stat().st_mtime - ABANDONED_SECONDS - 1
    os.utime(old, (long_ago, long_ago))
    put(store, "two", b"x")
    assert not old.exists()
    assert young.exists()


def test_addresses_that_cannot_be_used_are_told() -> None:
    for address, sentence in (
        ("s3://", "s3:// names no bucket: --artifacts (AUTOML_ARTIFACTS) reads s3://BUCKET/PREFIX."),
        (
            "gs://bucket/x",
            "Artifacts cannot lie in gs://bucket/x: --artifacts (AUTOML_ARTIFACTS) takes a folder or "
            "s3://BUCKET/PREFIX.",
        ),
        (
            "gs://me:hunter2@bucket/x",
            "Artifacts cannot lie in gs://***@bucket/x: --artifacts (AUTOML_ARTIFACTS) takes a folder or "
            "s3://BUCKET/PREFIX.",
        ),
        (
            "s3:/AKIA:hunter2@bucket/x",
            "Artifacts cannot lie in s3://***@bucket/x: --artifacts (AUTOML_ARTIFACTS) takes a folder or "
            "s3://BUCKET/PREFIX.",
        ),
        ("s3://AKIA:hun/ter2@bucket/x", f"s3://***@bucket/x {KEYS}"),
        ("s3://token@bucket/x", f"s3://***@bucket/x {KEYS}"),
        ("s3://bucket/x?aws_secret_access_key=hunter2", f"s3://bucket/x?*** {KEYS}"),
    ):
        with pytest.raises(SettingsError, match=f"^{re.escape(sentence)}$"):
            open_artifacts(address)


def test_endpoint_with_a_user_in_it_is_refused_and_its_password_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = "http://minio:hunter2@localhost:9000"
    (tmp_path / "config").write_text(f"[default]\nendpoint_url = {endpoint}\n")
    sentence = (
        "The endpoint http://***@localhost:9000 has a user or keys in it, and AWS_ENDPOINT_URL takes none. "
        "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, instead."
    )
    with pytest.raises(SettingsError, match=f"^{re.escape(sentence)}$"):
        open_artifacts("s3://bucket/x", {"AWS_ENDPOINT_URL": endpoint, "AWS_DEFAULT_REGION": "us-east-1"})
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    with pytest.raises(SettingsError, match=f"^{re.escape(sentence)}$"):
        open_artifacts("s3://bucket/x", {"AWS_DEFAULT_REGION": "us-east-1"})


def test_prefix_of_a_bucket_may_hold_what_separates_keys_elsewhere(bucket: Bucket) -> None:
    store = open_artifacts(f" '{bucket.address}/a@b:c' ", bucket.environment)
    put(store, "one", b"x")
    assert (store.address, store.names("")) == (f"{bucket.address}/a@b:c", ["one"])


def test_a_bucket_that_is_not_there_is_told_with_what_to_do(bucket: Bucket) -> None:
    store = open_artifacts("s3://nobodys-bucket/x", bucket.environment)
    sentence = "Cannot use s3://nobodys-bucket/x: "
    with pytest.raises(StorageError, match=re.escape(sentence) + ".* See that the bucket is there"):
        put(store, "one", b"x")
    with pytest.raises(StorageError, match=re.escape(sentence)):
        store.names("")


@pytest.mark.parametrize("name", ["../mine", "checkpoints/../../mine", "{outside}/mine"])
def test_a_folder_reads_writes_and_deletes_nothing_outside_itself(tmp_path: Path, name: str) -> None:
    store, mine, outside = open_artifacts(str(tmp_path / "artifacts")), tmp_path / "mine", name.format(outside=tmp_path)
    mine.write_bytes(b"mine")
    for use in (store.remove, store.remove_folder, store.exists, lambda one: put(store, one, b"x")):
        with pytest.raises(ValueError, match="leads out of"):
            use(outside)
    with pytest.raises(ValueError, match="leads out of"):
        content_of(store, outside)
    assert mine.read_bytes() == b"mine"
