"""The log of a decoding, so that an interrupted one continues: a line of JSON for each chunk, beside the pixels.

first line    shape, notes, the scale of deep images, and of each image its header, or why it has none
after it      the rows of a chunk whose pixels are written, and which of them are damaged
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from automl.data.disk_space import disk_errors
from automl.data.pixel_range import PixelRange
from automl.data.sizing import ImageShape
from automl.data.source_contents import Header
from automl.private_folders import make_private

NAME = "decoded.jsonl"


@dataclass(frozen=True)
class DecodePlan:
    """The headers of all images, and the decisions by them."""

    shape: ImageShape
    notes: tuple[str, ...]
    headers: Sequence[Header | None]
    unreadable: Mapping[int, str]
    """Reasons why images have no header, by row."""
    pixel_range: PixelRange | None = None
    """Scale of images of more than 8 bits."""


class DecodeLog:
    """The file of one folder; a line that a killed process has left unfinished is dropped."""

    def __init__(self, folder: Path) -> None:
        """Read what an interrupted decoding has left there.

        Raises: DataError if the folder cannot be written.
        """
        self._path = folder / NAME
        with disk_errors(folder):
            make_private(folder)
            lines = _whole_lines(self._path)
        self.plan = _plan(lines[0]) if lines else None
        self.done: dict[tuple[int, int], Mapping[int, str]] = {
            (line["first"], line["images"]): _by_row(line["damaged"]) for line in lines[1:]
        }
        """Damaged images and the reasons, by first row and number of images of a chunk."""

    def begin(self, plan: DecodePlan) -> DecodePlan:
        """Record the plan, and return it."""
        headers = [header and (header.height, header.width, header.mode) for header in plan.headers]
        unreadable = {str(row): reason for row, reason in plan.unreadable.items()}
        line = {"shape": plan.shape, "notes": plan.notes, "headers": headers, "unreadable": unreadable}
        self._append(line | {"pixel_range": plan.pixel_range and asdict(plan.pixel_range)})
        return plan

    def add(self, first: int, images: int, damaged: Mapping[int, str]) -> None:
        """Record a chunk whose pixels are on the disk."""
        self.done[first, images] = damaged
        self._append({"first": first, "images": images, "damaged": {str(row): why for row, why in damaged.items()}})

    def _append(self, line: Mapping[str, Any]) -> None:
        with disk_errors(self._path.parent), self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def _whole_lines(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    whole, newline, rest = path.read_bytes().rpartition(b"\n")
    if rest:
        os.truncate(path, len(whole + newline))
    return [json.loads(line) for line in whole.splitlines()]


def _plan(line: Mapping[str, Any]) -> DecodePlan:
    channels, height, width = line["shape"]
    headers = [header and Header(*header) for header in line["headers"]]
    scale = line["pixel_range"] and PixelRange(**line["pixel_range"])
    return DecodePlan((channels, height, width), tuple(line["notes"]), headers, _by_row(line["unreadable"]), scale)


def _by_row(reasons: Mapping[str, str]) -> dict[int, str]:
    return {int(row): reason for row, reason in reasons.items()}
