"""One image to pixels of a given shape: the same for training data and for images to predict."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from automl.data.decoding import deep
from automl.data.decoding.transparency import choose_paper, lay_on, may_be_transparent
from automl.data.pixel_range import PixelRange
from automl.data.sizing import Fit, ImageShape
from automl.data.source_contents import Header

FORMATS = ("AVIF", "BMP", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "TIFF", "WEBP")
"""Formats that are read, whatever a file's ending is: Pillow would also start Ghostscript for a PostScript."""
ORIENTATION = 0x0112
"""EXIF tag of the camera's orientation."""
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


def to_pixels(
    image: Image.Image, shape: ImageShape, fit: Fit = "crop", *, scale: PixelRange | None = None
) -> npt.NDArray[np.uint8]:
    """Pixels, H × W × C from 0 to 255: turned upright, one or three channels, brought to the shape.

    `scale`: of images of more than 8 bits; left out, they keep the upper half of 16.

    A JPEG of many times the size is decoded at a fraction of it, which saves most of the time.

    Raises: OSError, SyntaxError or ValueError from Pillow if the image is damaged or of an unknown mode.
    """
    channels, height, width = shape
    longest = 2 * max(height, width)
    if min(image.size) > longest:
        image.draft(None, (longest, longest))
    shallow = deep.to_grays(image, scale)
    if (turn := UPRIGHT.get(_orientation(image))) is not None:
        shallow = shallow.transpose(turn)
    fitted = _resized(to_mode(shallow, "L" if channels == 1 else "RGB"), (width, height), fit)
    return np.asarray(fitted).reshape(height, width, channels)


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
    """Convert an image of 8 bits a channel to L or RGB, transparent areas to white or black."""
    if image.mode == mode:
        return image
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


def read_header(image: Image.Image) -> Header:
    """Size after the rotation that EXIF asks for, and mode; no pixel is read."""
    width, height = image.size
    is_known = image.format != "PNG" or "exif" in image.info  # else Pillow would decode a PNG to look behind its pixels
    if is_known and _orientation(image) >= 5:
        height, width = width, height
    return Header(height, width, deep.deep_mode(image) or image.mode, transparent=may_be_transparent(image))


def _orientation(image: Image.Image) -> int:
    """1 (upright) to 8; 1 as well where EXIF is damaged, since the image may be whole, and of TIFF: Pillow turns it."""
    try:
        value = 1 if image.format == "TIFF" else image.getexif().get(ORIENTATION, 1)
    except (SyntaxError, ValueError, TypeError, KeyError, struct.error):
        return 1
    return value if isinstance(value, int) else 1


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
