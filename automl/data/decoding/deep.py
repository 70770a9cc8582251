"""Raw values of images of more than 8 bits a channel, and their grays.

Pillow keeps deep gray images whole, but of 16-bit colour it keeps the upper bytes alone. The lower ones are read by a
second decoding that takes each pair of bytes the other way round.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from automl.data.decoding.depth import scale_to_grays
from automl.data.pixel_range import SIXTEEN_BITS, PixelRange
from automl.data.source_contents import DEEP_GRAY_MODES

DEEP_COLOUR = re.compile(r"(RGBA?|LA);16([BLN])")
"""Raw mode of a file with 16 bits a colour, of which Pillow gives 8."""
FORMATS = ("PNG", "TIFF")
BAND_ROWS = 256


def deep_mode(image: Image.Image) -> str | None:
    """What to call the mode of a deep image: Pillow's, or `RGB;16`; None of 8 bits, or of colours that are loaded."""
    if image.mode in DEEP_GRAY_MODES:
        return image.mode
    found = _deep_colour(image)
    return f"{found[1]};16" if found else None


def is_deep_colour(image: Image.Image) -> bool:
    """Whether its lower bytes are lost as soon as Pillow loads it."""
    return _deep_colour(image) is not None


def deep_values(image: Image.Image) -> npt.NDArray[Any]:
    """Raw values of a deep image, which is loaded: H × W, or H × W × C with alpha last."""
    found = _deep_colour(image)
    if found is None:
        return np.asarray(image)
    with _again(image, found) as other:
        image.load()
        other.load()
        first_HWC, second_HWC = np.asarray(image, np.uint16), np.asarray(other, np.uint16)
    if found[1] == "LA":
        pairs_HWC = second_HWC[..., ::2] << 8 | second_HWC[..., 1::2]
        return pairs_HWC[..., [0, 0, 0, 1]]
    return first_HWC << 8 | second_HWC


def colours_of(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Leave alpha out."""
    return values[..., :3] if values.ndim > 2 else values


def to_grays(image: Image.Image, scale: PixelRange | None) -> Image.Image:
    """Return the image with 8 bits a channel, loaded; one of 8 bits as it is.

    Raises: ValueError if its values are outside the scale's kind.
    """
    mode = deep_mode(image)
    if mode is None:
        image.load()
        return image
    if (problem := _problem(mode, scale)) is not None:
        raise ValueError(problem)
    values = deep_values(image)
    grays = np.empty(values.shape, np.uint8)
    for top in range(0, len(values), BAND_ROWS):  # as float64 all of a large image would take gigabytes
        band = values[top : top + BAND_ROWS]
        grays[top : top + BAND_ROWS] = with_alpha(band, scale or SIXTEEN_BITS)
    return Image.fromarray(grays)


def with_alpha(values: npt.NDArray[Any], scale: PixelRange) -> npt.NDArray[np.uint8]:
    """Grays of raw values; a fourth channel is alpha, of 16 bits whatever the others use."""
    grays = scale_to_grays(values, scale)
    if values.ndim > 2 and values.shape[-1] == 4:
        grays[..., 3] = scale_to_grays(values[..., 3], SIXTEEN_BITS)
    return grays


def _problem(mode: str, scale: PixelRange | None) -> str | None:
    if scale is None and mode == "F":
        return "its pixels are floating-point numbers, and no training image has such; save it with 8 or 16 bits"
    return None if scale is None else scale.reason_against(floats=mode == "F")


def _deep_colour(image: Image.Image) -> re.Match[str] | None:
    if image.format not in FORMATS or image.mode not in ("RGB", "RGBA"):
        return None
    modes = {_raw_mode(tile.args) for tile in getattr(image, "tile", ())}
    return DEEP_COLOUR.fullmatch(modes.pop()) if len(modes) == 1 else None


def _raw_mode(arguments: str | Sequence[Any] | None) -> str:
    if isinstance(arguments, str):
        return arguments
    return str(arguments[0]) if arguments else ""


def _again(image: Image.Image, found: re.Match[str]) -> Image.Image:
    """Open the file of an image once more, so that loading it gives the other byte of each value."""
    stream = image.fp  # type: ignore[attr-defined]
    position = stream.tell()
    stream.seek(0)
    other = Image.open(BytesIO(stream.read()), formats=FORMATS)
    stream.seek(position)
    raw = "RGBA" if found[1] == "LA" else f"{found[1]};16{_other_order(found[2])}"
    other.tile = [type(tile)(*tile[:3], _with_raw_mode(tile.args, raw)) for tile in other.tile]
    return other


def _with_raw_mode(arguments: Any, raw: str) -> Any:
    return raw if isinstance(arguments, str) else (raw, *arguments[1:])


def _other_order(order: str) -> str:
    if order == "N":
        return "B" if sys.byteorder == "little" else "L"
    return "L" if order == "B" else "B"
