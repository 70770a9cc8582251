"""Which home a cluster belongs to. Home and data can part: a home is moved, copied, or both at once.

The data hold a stamp of their home: its path and its inode. A moved folder keeps its inode, a copy has another.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from automl.errors import StorageError
from automl.storage.embedded.paths import ClusterPaths
from automl.storage.embedded.postmaster import PID_FILE, is_postgres, recorded_pid

STAMP = "automl.home"


@dataclass(frozen=True)
class HomeStamp:
    """A home, as its data know it."""

    path: str
    device: int
    inode: int

    @classmethod
    def of(cls, home: Path) -> HomeStamp:
        """The home that is there now."""
        found = home.stat()
        return cls(str(home), found.st_dev, found.st_ino)

    @classmethod
    def read(cls, data: Path) -> HomeStamp | None:
        """The stamp in `data`; None if there is none that can be read."""
        try:
            return cls(**json.loads((data / STAMP).read_text("utf-8")))
        except (FileNotFoundError, ValueError, TypeError):
            return None

    def write(self, data: Path) -> None:
        """Put the stamp into `data`."""
        beside = data / f"{STAMP}.new"
        beside.write_text(json.dumps(asdict(self)), "utf-8")
        beside.replace(data / STAMP)

    def is_same(self, other: HomeStamp) -> bool:
        """Whether both are one folder. Numbers of devices change with a restart, and inodes repeat across devices."""
        return self.inode == other.inode and (self.device == other.device or self.path == other.path)


def claim_data(paths: ClusterPaths, *, is_running: bool) -> None:
    """See that the cluster is this home's, and note in it where the home is now.

    `is_running`: whether a server works on the data.

    Raises: StorageError if this home is a copy whose data are another's or not whole. OSError.
    """
    here, noted = HomeStamp.of(paths.link.parent), HomeStamp.read(paths.data)
    if noted == here:
        return
    if noted is not None and not noted.is_same(here):
        if paths.data != paths.link:
            _refuse_others_data(paths, Path(noted.path), is_running=is_running)
        else:
            _refuse_hot_copy(paths.link, noted)
    here.write(paths.data)


def _refuse_others_data(paths: ClusterPaths, other: Path, *, is_running: bool) -> None:
    """A link to data may be used by one home alone: each has locks of its own. One that is gone has left them."""
    home = paths.link.parent
    links_too = other != home and os.path.realpath(other / paths.link.name) == str(paths.data)
    if not links_too and not is_running:
        return
    owner = f"the home {other}" if links_too else f"a home that was at {other}, and its server runs"
    raise StorageError(
        f"{home} is a copy, and a copy has no database of its own: {paths.link} links to {paths.data}, the database of "
        f"{owner}. Work there, or carry studies over with `automl backup` and `automl restore`. "
        f"To begin a new database in the copy, remove that link."
    )


def _refuse_hot_copy(data: Path, noted: HomeStamp) -> None:
    """A home that was copied with its server running has files of different moments."""
    pid = recorded_pid(data)
    if not (data / PID_FILE).exists() or (noted.path == str(data.parent) and (pid is None or not is_postgres(pid))):
        return
    raise StorageError(
        f"{data.parent} is a copy of the home {noted.path}, made while its database ran, so it may not be whole. "
        "Copy it again when nothing works there, or carry studies over with `automl backup` and `automl restore`. "
        f"To use it nevertheless, remove {data / PID_FILE}."
    )
