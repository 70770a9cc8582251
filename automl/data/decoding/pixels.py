"""One image to pixels of a given shape: the same for training data and for images to predict."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from automl.data.dataset import Fit, ImageShape
from automl.data.source_contents import Header
from automl.data.transparency import choose_paper, lay_on, may_be_transparent

FORMATS = ("AVIF", "BMP", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "TIFF", "WEBP")
"""What image files may be inside, whatever their ending says: Pillow would also start Ghostscript for a PostScript."""
ORIENTATION = 0x0112
"""The EXIF tag that says how the camera was held."""
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What turns an image of an orientation upright; 5 to 8 lie on their side.

Pillow's exif_transpose does the same, but reads and writes all of EXIF, and refuses a good image for a bad block.
"""
BAND_ROWS = 256
DEEP_MODES = frozenset(("I", "I;16", "I;16B", "I;16L"))


def to_pixels(image: Image.Image, shape: ImageShape, fit: Fit = "crop") -> npt.NDArray[np.uint8]:
    """Pixels, H × W × C from 0 to 255: turned upright, one or three channels, brought to the shape.

    A JPEG of many times the size is decoded at a fraction of it, which saves most of the time.

    Raises: OSError, SyntaxError or ValueError from Pillow if the image is damaged or of an unknown mode.
    """
    channels, height, width = shape
    longest = 2 * max(height, width)
    if min(image.size) > longest:
        image.draft(None, (longest, longest))
    image.load()
    if (turn := UPRIGHT.get(_orientation(image))) is not None:
        image = image.transpose(turn)
    image = _resized(to_mode(image, "L" if channels == 1 else "RGB"), (width, height), fit)
    return np.asarray(image).reshape(height, width, channels)


def convert(images_NHWC: npt.NDArray[np.uint8], shape: ImageShape, fit: Fit) -> npt.NDArray[np.uint8]:
    """Bring images of one other shape to this one; those that have it are returned as they are."""
    channels, height, width = shape
    if images_NHWC.shape[1:] == (height, width, channels):
        return images_NHWC
    if images_NHWC.shape[3] == 1:
        images_NHWC = images_NHWC.squeeze(3)  # Pillow knows gray by its two dimensions
    converted = [to_pixels(Image.fromarray(image), shape, fit) for image in images_NHWC]
    return np.stack(converted) if converted else np.empty((0, height, width, channels), np.uint8)


def to_mode(image: Image.Image, mode: str) -> Image.Image:
    """Convert to L or RGB: 16 bits to 8 by their upper half, transparent areas to white or black.

    Raises: ValueError for a mode whose values have no known range.
    """
    if image.mode == mode:
        return image
    _refuse_floats(image)
    if image.mode in DEEP_MODES:
        return _by_bands(image, mode, _eight_bits)
    if may_be_transparent(image):
        paper = choose_paper(_bands(image))
        return _by_bands(image, mode, lambda band: lay_on(paper, band))
    return image.convert(mode)


def _by_bands(image: Image.Image, mode: str, change: Callable[[Image.Image], Image.Image]) -> Image.Image:
    """Change some rows at a time: of 12,000 × 12,000 pixels the intermediate images would take gigabytes."""
    changed = Image.new(mode, image.size)
    for number, band in enumerate(_bands(image)):
        changed.paste(change(band).convert(mode), (0, number * BAND_ROWS))
    return changed


def _bands(image: Image.Image) -> Iterator[Image.Image]:
    for top in range(0, image.height, BAND_ROWS):
        yield image.crop((0, top, image.width, min(top + BAND_ROWS, image.height)))


def _eight_bits(deep: Image.Image) -> Image.Image:
    return Image.fromarray((np.asarray(deep).clip(0, 65535) >> 8).astype(np.uint8))


def read_header(image: Image.Image) -> Header:
    """Size after the rotation that EXIF asks for, and mode; no pixel is read.

    Raises: ValueError for a mode whose values have no known range.
    """
    _refuse_floats(image)
    width, height = image.size
    is_known = image.format != "PNG" or "exif" in image.info  # else Pillow would decode a PNG to look behind its pixels
    if is_known and _orientation(image) >= 5:
        height, width = width, height
    return Header(height, width, image.mode, transparent=may_be_transparent(image))


def _orientation(image: Image.Image) -> int:
    """1 (upright) to 8; 1 as well where EXIF is damaged, since the image may be whole, and of TIFF: Pillow turns it."""
    try:
        value = 1 if image.format == "TIFF" else image.getexif().get(ORIENTATION, 1)
    except (SyntaxError, ValueError, TypeError, KeyError, struct.error):
        return 1
    return value if isinstance(value, int) else 1


def _refuse_floats(image: Image.Image) -> None:
    if image.mode == "F":
        raise ValueError("its pixels are floating-point numbers; save it with 8 or 16 bits")


def _resized(image: Image.Image, size: tuple[int, int], fit: Fit) -> Image.Image:
    if image.size == size:
        return image
    if fit == "crop":
        return ImageOps.fit(image, size, Image.Resampling.BICUBIC)
    if fit == "pad":
        return _padded(image, size)
    return image.resize(size, Image.Resampling.BICUBIC)


def _padded(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    scale = min(size[0] / image.width, size[1] / image.height)
    width, height = (max(1, round(side * scale)) for side in image.size)  # a line of 12,000 × 20 keeps a pixel
    paper = Image.new(image.mode, size)
    paper.paste(
        image.resize((width, height), Image.Resampling.BICUBIC), ((size[0] - width) // 2, (size[1] - height) // 2)
    )
    return paper
