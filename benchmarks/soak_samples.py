"""What a service of chaos_service.py takes of the machine at one moment, and whether it grows: for soak.py."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import sqlalchemy
from sqlalchemy import text

from benchmarks.chaos_service import ChaosService

MIB = 2**20
PASSING = ("artifacts", "wandb")
"""Folders of a home whose files are a trial's, and stay."""


@dataclass(frozen=True)
class Sample:
    """One moment."""

    processes: int
    """Processes of the workers, with wandb's."""
    connections: int
    """Connections to the database, without the one that counts them."""
    files: int
    """Files that no trial keeps: temporary ones, and those of a home beside artifacts and wandb's."""
    descriptors: int
    """Open files of the spared worker, sockets included."""
    sockets: int
    """Open sockets of the spared worker."""
    memory_mib: float
    """Resident memory of the spared worker, in MiB."""
    server_mib: float
    """Memory that the server's processes share with nobody, in MiB."""


@dataclass(frozen=True)
class Growth:
    """One figure of the samples at the start and at the end."""

    name: str
    start: float
    end: float
    allowed: float

    @property
    def is_right(self) -> bool:
        """Whether it did not grow by more than its noise."""
        return self.end <= self.allowed


NOISE = {
    "processes": (0.0, 2.0),
    "connections": (0.0, 2.0),
    "files": (0.0, 24.0),  # temporary ones of wandb's processes, which go with them
    "descriptors": (0.0, 8.0),
    "sockets": (0.0, 4.0),
    "memory_mib": (0.1, 32.0),
    "server_mib": (0.1, 32.0),
}
"""By how much a figure may be higher at the end, as a share and in its unit: a worker more or less is at its start."""


def take_sample(service: ChaosService, scratch: Path) -> Sample | None:
    """Count now; None while the database or the spared worker is away."""
    spared = service.slots[0].process
    try:
        connections = count_connections(service.url)
        assert spared is not None, "its study is never used up"
        worker = psutil.Process(spared.pid)
        ours, server = processes_of(service)
        return Sample(
            processes=len(ours),
            connections=connections,
            files=count_files(service.home, scratch),
            descriptors=worker.num_fds(),
            sockets=len(worker.net_connections(kind="all")),
            memory_mib=worker.memory_info().rss / MIB,
            server_mib=sum(_own_bytes(process) for process in server) / MIB,
        )
    except (sqlalchemy.exc.OperationalError, psutil.NoSuchProcess):
        return None


def count_connections(url: str) -> int:
    """Connections of clients, without this one."""
    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
    statement = (
        "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
    )
    with engine.connect() as connection:
        return int(connection.scalar(text(statement)) or 0)


def count_files(home: Path, scratch: Path) -> int:
    """Files that no trial keeps."""
    own = [path for path in home.rglob("*") if path.relative_to(home).parts[0] not in PASSING]
    return sum(path.is_file() for path in [*own, *scratch.rglob("*")])


def processes_of(service: ChaosService) -> tuple[list[psutil.Process], list[psutil.Process]]:
    """Living processes of the service: those of its workers, and those of its server."""
    ours, server = list[psutil.Process](), list[psutil.Process]()
    workers = {slot.process.pid for slot in service.slots if slot.process is not None}
    for process in psutil.process_iter(["pid", "cmdline", "status"]):
        if process.info["status"] == psutil.STATUS_ZOMBIE:
            continue
        words = " ".join(process.info["cmdline"] or ())
        if process.info["pid"] in workers or str(service.home) in words:
            ours.append(process)
        elif str(service.folder) in words and "postgres" in words:
            server += [process, *process.children()]
    return ours, server


def _own_bytes(process: psutil.Process) -> int:
    with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
        return int(process.memory_full_info().uss)
    return 0


def growth(samples: Sequence[Sample]) -> Iterator[Growth]:
    """Each figure's median in the second fourth of the samples, when all is warm, and in the last one."""
    fourth = max(1, len(samples) // 4)
    for name in (field.name for field in dataclasses.fields(Sample)):
        values = [getattr(sample, name) for sample in samples]
        start, end = statistics.median(values[fourth : 2 * fourth] or values), statistics.median(values[-fourth:])
        share, more = NOISE[name]
        yield Growth(name, start, end, start * (1 + share) + more)
