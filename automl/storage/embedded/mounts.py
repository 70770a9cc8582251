"""Network file systems: their locks and their fsync do not hold what a database needs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import psutil

from automl.errors import StorageError

# fmt: off
NETWORK_KINDS = frozenset({
    "9p", "acfs", "afpfs", "afs", "beegfs", "ceph", "cifs", "coda", "davfs", "fhgfs", "fuse.beegfs", "fuse.ceph",
    "fuse.curlftpfs", "fuse.davfs2", "fuse.gcsfuse", "fuse.glusterfs", "fuse.goofys", "fuse.juicefs",
    "fuse.mountpoint-s3", "fuse.rclone", "fuse.s3fs", "fuse.sshfs", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs",
    "nfs4", "orangefs", "panfs", "pvfs2", "smb", "smb2", "smb3", "smbfs", "sshfs", "webdav", "wekafs",
})
# fmt: on


class Mount(NamedTuple):
    """A mounted file system."""

    folder: Path
    kind: str
    """As the system names it: `ext4`, `nfs4`, `fuse.sshfs`."""


def mounts() -> list[Mount]:
    """All mounts of this machine, in the order they were made."""
    return [Mount(Path(part.mountpoint), part.fstype) for part in psutil.disk_partitions(all=True)]


def mount_of(folder: Path, among: Sequence[Mount]) -> Mount | None:
    """Return the mount that holds `folder`, which need not exist yet; of two on the same place the later one counts."""
    holding = [mount for mount in reversed(among) if folder.resolve().is_relative_to(mount.folder)]
    return max(holding, key=lambda mount: len(mount.folder.parts), default=None)


def refuse_network_folder(folder: Path, among: Sequence[Mount] | None = None) -> None:
    """Do nothing if `folder` is on a local disk.

    Raises: StorageError if it is on a network file system.
    """
    mount = mount_of(folder, mounts() if among is None else among)
    if mount is not None and mount.kind in NETWORK_KINDS:
        raise StorageError(
            f"{folder} is on a network file system ({mount.kind} at {mount.folder}), where a database loses data. "
            "Set AUTOML_HOME to a folder on a local disk, or --storage to postgresql://USER:PASSWORD@HOST:5432/DATABASE."
        )
