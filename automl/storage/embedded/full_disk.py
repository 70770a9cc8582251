"""A disk that has no room left, named with its figures."""

from __future__ import annotations

import os
from pathlib import Path

from automl.storage.embedded.mounts import mount_of, mounts

SAID = ("No space left on device", "Disk quota exceeded")
"""What the system says, in English, where a disk or a quota is used up."""
MEGABYTE = 2**20
CLUSTER_MEGABYTES = 50
CLUSTER_FILES = 1400
"""What a new cluster takes (PostgreSQL 18.4: 46 MB in 1,305 files)."""


def full_disk(folder: Path, said: str = "") -> str | None:
    """A sentence that names the disk of `folder`, which need not exist, if it is full or `said` says so; else None."""
    there = next(path for path in (folder, *folder.parents) if path.exists())
    disk = os.statvfs(there)
    free, size = (blocks * disk.f_frsize // MEGABYTE for blocks in (disk.f_bavail, disk.f_blocks))
    lacks_files = disk.f_files > 0 and disk.f_favail == 0
    if free > 0 and not lacks_files and not any(words in said for words in SAID):
        return None
    mount = mount_of(there, mounts())
    name = f"{mount.folder} ({mount.kind})" if mount else str(there)
    files = f" and {disk.f_favail:,} of {disk.f_files:,} inodes" if disk.f_files else ""
    return (
        f"The disk at {name} is full: {free:,} of {size:,} MB{files} are free, and a new database takes about "
        f"{CLUSTER_MEGABYTES} MB and {CLUSTER_FILES:,} inodes."
    )
