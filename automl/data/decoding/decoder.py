"""Encoded images to pixels of one shape, on all cores; what was interrupted goes on where it was."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, as_completed
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from automl.data.decoding.chunks import Chunk, decode, read_extents, read_headers
from automl.data.decoding.decode_log import DecodeLog, DecodePlan
from automl.data.decoding.decoding_processes import CHUNK_IMAGES, decoding_processes
from automl.data.decoding.depth import choose_range, few_grays, scale_note
from automl.data.decoding.shapes import common_shape
from automl.data.disk_space import PixelFile
from automl.data.pixel_range import SIXTEEN_BITS, PixelRange
from automl.data.sizing import Fit, Sizing
from automl.data.source_contents import Header, Progress, Written, none_readable
from automl.errors import DataError

FLOATS = "F"
"""Pillow's mode of floating-point pixels."""
LOOKED_AT = 64
"""Number of scaled images, from all over a set, whose grays are counted."""


@dataclass(frozen=True)
class EncodedImages:
    """Image files in a folder or a zip."""

    container: Path
    names: tuple[str, ...]

    def file_name(self, row: int) -> str:
        """The path inside the container."""
        return self.names[row]

    def write(self, pixel_file: PixelFile, sizing: Sizing, *, on_progress: Progress | None = None) -> Written:
        """Read all headers, decide on a shape, decode what an earlier, interrupted call has not.

        Raises: DataError if an image has more pixels than Pillow allows, or none can be read.
        """
        log = DecodeLog(pixel_file.folder)
        if on_progress is not None:  # the headers take a while, too
            on_progress(sum(images for _, images in log.done), pixel_file.images)
        with decoding_processes(len(self.names)) as pool:
            plan = log.plan or log.begin(self._plan(pool, sizing, pixel_file))
            pixel_file.allocate(plan.shape)
            self._decode(pool, log, pixel_file, plan, sizing.fit, on_progress)
        damaged = {row: reason for chunk in log.done.values() for row, reason in chunk.items()}
        unreadable = {**plan.unreadable, **damaged}
        return Written(plan.headers, unreadable, plan.notes + _remarks(plan, unreadable, pixel_file), plan.pixel_range)

    def _plan(self, pool: Executor, sizing: Sizing, pixel_file: PixelFile) -> DecodePlan:
        futures = [pool.submit(read_headers, chunk) for chunk in self._chunks()]
        results = [future.result() for future in futures]
        headers = [header for found, _ in results for header in found]
        unreadable = {row: reason for _, failed in results for row, reason in failed.items()}
        readable = [header for header in headers if header is not None]
        if not readable:
            raise none_readable(self.container, len(self.names), unreadable[0])
        shape, notes = common_shape(readable, sizing)
        scale, remarks = self._scale(pool, headers, pixel_file)
        return DecodePlan(shape, notes + remarks, headers, unreadable, scale)

    def _scale(
        self, pool: Executor, headers: Sequence[Header | None], pixel_file: PixelFile
    ) -> tuple[PixelRange | None, tuple[str, ...]]:
        """One scale for all images of more than 8 bits, and the notes on it."""
        deep = [row for row, header in enumerate(headers) if header is not None and header.deep]
        if not deep:
            return None, ()
        if pixel_file.pixel_range is not None:
            return pixel_file.pixel_range, (
                scale_note(deep, headers, pixel_file.pixel_range, "as the model was trained"),
            )
        training = deep if pixel_file.training_M is None else [row for row in deep if pixel_file.training_M[row]]
        floats = _one_kind(self.container, [header for row in training if (header := headers[row])])
        chunks = (training[first : first + CHUNK_IMAGES] for first in range(0, len(training), CHUNK_IMAGES))
        futures = [pool.submit(read_extents, self.container, [self.names[row] for row in rows]) for rows in chunks]
        extents = [extent for future in futures for extent in future.result()]
        if not extents:
            why = "as no such training image can be read"
            return SIXTEEN_BITS, (scale_note(deep, headers, SIXTEEN_BITS, why),)
        scale, remarks = choose_range(extents, floats=floats)
        return scale, (scale_note(deep, headers, scale, "by the training images"), *remarks)

    def _decode(
        self,
        pool: Executor,
        log: DecodeLog,
        pixel_file: PixelFile,
        plan: DecodePlan,
        fit: Fit,
        on_progress: Progress | None,
    ) -> None:
        chunks = [chunk for chunk in self._chunks() if (chunk.first_row, len(chunk.names)) not in log.done]
        futures = {
            pool.submit(decode, chunk, pixel_file.path, plan.shape, fit, plan.pixel_range): chunk for chunk in chunks
        }
        done = pixel_file.images - sum(len(chunk.names) for chunk in chunks)
        for future in as_completed(futures):
            chunk = futures[future]
            log.add(chunk.first_row, len(chunk.names), future.result())
            done += len(chunk.names)
            if on_progress is not None:
                on_progress(done, pixel_file.images)

    def _chunks(self) -> Iterator[Chunk]:
        for first in range(0, len(self.names), CHUNK_IMAGES):
            yield Chunk(self.container, first, self.names[first : first + CHUNK_IMAGES])


def _remarks(plan: DecodePlan, unreadable: Mapping[int, str], pixel_file: PixelFile) -> tuple[str, ...]:
    """What is seen of deep images only after they are scaled."""
    rows = [row for row, header in enumerate(plan.headers) if header and header.deep and row not in unreadable]
    images_MHWC = np.load(pixel_file.path, mmap_mode="r")
    return few_grays(images_MHWC[row] for row in rows[:: max(1, len(rows) // LOOKED_AT)]) if rows else ()


def _one_kind(container: Path, headers: Sequence[Header]) -> bool:
    """Whether these deep images hold floating-point numbers.

    Raises: DataError if some do and others do not.
    """
    floats = sum(header.mode == FLOATS for header in headers)
    if 0 < floats < len(headers):
        raise DataError(
            f"{container}: {floats:,} training images hold floating-point numbers and {len(headers) - floats:,} whole "
            "numbers of more than 8 bits, which have no common scale. Save all of them in one form."
        )
    return floats > 0
