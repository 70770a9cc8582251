from __future__ import annotations

import re
from pathlib import Path

import pytest

from automl.errors import StorageError
from automl.storage.embedded.mounts import NETWORK_KINDS, Mount, mount_of, mounts, refuse_network_folder

MOUNTS = [
    Mount(Path("/"), "ext4"),
    Mount(Path("/srv/shared"), "nfs4"),
    Mount(Path("/srv/shared/scratch"), "xfs"),
    Mount(Path("/srv/again"), "ext4"),
    Mount(Path("/srv/again"), "fuse.sshfs"),
]


@pytest.mark.parametrize("kind", sorted(NETWORK_KINDS))
def test_every_network_file_system_is_refused(kind: str) -> None:
    with pytest.raises(StorageError, match=re.escape(f"/srv/x/.automl is on a network file system ({kind} at /srv/x)")):
        refuse_network_folder(Path("/srv/x/.automl"), [Mount(Path("/"), "ext4"), Mount(Path("/srv/x"), kind)])


def test_refusal_says_what_to_do() -> None:
    sentence = (
        "/srv/shared/me/.automl is on a network file system (nfs4 at /srv/shared), where a database loses data. "
        "Set AUTOML_HOME to a folder on a local disk, or --storage to postgresql://USER:PASSWORD@HOST:5432/DATABASE."
    )
    with pytest.raises(StorageError, match=f"^{re.escape(sentence)}$"):
        refuse_network_folder(Path("/srv/shared/me/.automl"), MOUNTS)


@pytest.mark.parametrize("folder", ["/home/me", "/srv/sharedness", "/srv/shared/scratch/me"])
def test_local_folders_are_accepted(folder: str) -> None:
    refuse_network_folder(Path(folder), MOUNTS)


def test_later_mount_on_the_same_place_counts() -> None:
    assert mount_of(Path("/srv/again/x"), MOUNTS) == MOUNTS[4]


def test_link_into_a_network_folder_is_followed(tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    (tmp_path / "near").symlink_to(tmp_path / "far")
    with pytest.raises(StorageError, match="network file system"):
        refuse_network_folder(tmp_path / "near" / ".automl", [*MOUNTS, Mount(tmp_path.resolve() / "far", "cifs")])


def test_this_machine_has_mounts_that_hold_every_folder(tmp_path: Path) -> None:
    assert mount_of(tmp_path, mounts()) is not None
