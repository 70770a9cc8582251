"""Real image files of more than 8 bits a channel, some of forms that Pillow reads and does not write."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

COLOUR_TYPES = {2: 4, 3: 2, 4: 6}
"""Of a PNG, by its channels."""


def save_deep(path: Path, values: npt.NDArray[Any]) -> None:
    """Write raw values, H × W or H × W × C, in the form of the path's ending."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if values.ndim == 2:
        Image.fromarray(values).save(path)
    elif path.suffix == ".png":
        path.write_bytes(png_bytes(values))
    else:
        path.write_bytes(tiff_bytes(values))


def save_deep_classes(
    folder: Path, make: Callable[[np.random.Generator, int], npt.NDArray[Any]], *, ending: str = ".png", each: int = 6
) -> Path:
    """Write two classes, `a` and `b`; `make` draws an image of the class with this number."""
    for label, name in enumerate("ab"):
        for number in range(each):
            save_deep(folder / name / f"{number}{ending}", make(np.random.default_rng(100 * label + number), label))
    return folder


def png_bytes(values_HWC: npt.NDArray[Any]) -> bytes:
    """A PNG of 16 bits: gray with alpha, colour, or colour with alpha."""
    height, width, channels = values_HWC.shape
    lines = b"".join(b"\0" + line.tobytes() for line in values_HWC.astype(">u2"))
    header = struct.pack(">IIBBBBB", width, height, 16, COLOUR_TYPES[channels], 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(lines)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in parts
    )


def tiff_bytes(values_HWC: npt.NDArray[Any]) -> bytes:
    """A TIFF of 16-bit colour, little end first, without compression."""
    height, width, channels = values_HWC.shape
    pixels = values_HWC.astype("<u2").tobytes()
    bits, entries = 8 + len(pixels), 9
    tags = [
        (256, 3, 1, width),
        (257, 3, 1, height),
        (258, 3, channels, bits),
        (259, 3, 1, 1),
        (262, 3, 1, 2),
        (273, 4, 1, 8),
        (277, 3, 1, channels),
        (278, 3, 1, height),
        (279, 4, 1, len(pixels)),
    ]
    directory = struct.pack("<H", entries) + b"".join(struct.pack("<HHII", *tag) for tag in tags) + bytes(4)
    content = pixels + struct.pack(f"<{channels}H", *[16] * channels)
    return struct.pack("<2sHI", b"II", 42, 8 + len(content)) + content + directory
