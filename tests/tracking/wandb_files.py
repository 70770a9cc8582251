"""Read what wandb wrote: a LevelDB log of protobuf records, for which wandb has no public reader.

Source: https://github.com/google/leveldb/blob/main/doc/log_format.md, after a file header of 7 bytes.
"""

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wandb.proto import wandb_internal_pb2

BLOCK_BYTES = 32 * 1024
FILE_HEADER_BYTES = 7
RECORD_HEADER = struct.Struct("<IHB")
FULL, LAST = 1, 4


@dataclass
class WrittenRun:
    """One attempt of one run, as far as it was written."""

    run_id: str = ""
    name: str = ""
    group: str = ""
    project: str = ""
    config: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    summary: dict[str, Any] = field(default_factory=dict)
    exit_code: int | None = None
    preempting: bool = False
    tags: list[str] = field(default_factory=list)


def read_runs(folder: Path) -> dict[str, WrittenRun]:
    """The offline runs below `folder`, by their id."""
    runs = [read_run(path) for path in sorted(folder.glob("wandb/offline-run-*/*.wandb"))]
    return {run.run_id: run for run in runs}


def read_run(path: Path) -> WrittenRun:
    run = WrittenRun()
    for data in _records(path.read_bytes()):
        _add(run, wandb_internal_pb2.Record.FromString(data))  # type: ignore[attr-defined]
    return run


def _add(run: WrittenRun, record: Any) -> None:
    kind = record.WhichOneof("record_type")
    if kind == "run":
        run.run_id, run.name = record.run.run_id, record.run.display_name
        run.group, run.project = record.run.run_group, record.run.project
        run.tags = list(record.run.tags)
        run.config |= _values(record.run.config.update)
    elif kind == "history":
        run.history.append(_values(record.history.item))
    elif kind == "summary":
        run.summary |= _values(record.summary.update)
    elif kind == "exit":
        run.exit_code = record.exit.exit_code
    elif kind == "preempting":
        run.preempting = True


def _values(items: Any) -> dict[str, Any]:
    return {".".join(item.nested_key) or item.key: json.loads(item.value_json) for item in items}


def _records(data: bytes) -> Iterator[bytes]:
    parts = b""
    for kind, part in _parts(data):
        parts += part
        if kind in (FULL, LAST):
            yield parts
            parts = b""


def _parts(data: bytes) -> Iterator[tuple[int, bytes]]:
    position = FILE_HEADER_BYTES
    while position + RECORD_HEADER.size <= len(data):
        left_in_block = BLOCK_BYTES - position % BLOCK_BYTES
        if left_in_block < RECORD_HEADER.size:
            position += left_in_block
            continue
        _, length, kind = RECORD_HEADER.unpack_from(data, position)
        start = position + RECORD_HEADER.size
        if kind == 0 or start + length > len(data):
            return  # the tail that a killed writer left
        yield kind, data[start : start + length]
        position = start + length
