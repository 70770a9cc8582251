"""One image to pixels of a given shape: the same for training data and for images to predict."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from automl.data.contents import ImageShape

ORIENTATION = 0x0112
"""The EXIF tag that says how the camera was held."""
GRAY_MODES = frozenset(("1", "L", "LA", "La", "I", "I;16", "I;16B", "I;16L"))
DEEP_MODES = frozenset(("I", "I;16", "I;16B", "I;16L"))
ALPHA_MODES = frozenset(("LA", "La", "PA", "RGBA", "RGBa"))


def to_pixels(image: Image.Image, shape: ImageShape) -> npt.NDArray[np.uint8]:
    """Pixels, H × W × C from 0 to 255: turned upright, resized to cover the shape, cropped around the centre.

    A JPEG of many times the size is decoded at a fraction of it, which saves most of the time.

    Raises: OSError, SyntaxError or ValueError from Pillow if the image is damaged or of an unknown mode.
    """
    channels, height, width = shape
    longest = 2 * max(height, width)
    if min(image.size) > longest:
        image.draft(None, (longest, longest))
    ImageOps.exif_transpose(image, in_place=True)
    image = to_mode(image, "L" if channels == 1 else "RGB")
    if image.size != (width, height):
        image = ImageOps.fit(image, (width, height), Image.Resampling.BICUBIC)
    return np.asarray(image).reshape(height, width, channels)


def to_mode(image: Image.Image, mode: str) -> Image.Image:
    """Convert to L or RGB: 16 bits to 8 by their upper half, transparent areas to white."""
    if image.mode == mode:
        return image
    if image.mode in DEEP_MODES:
        deep = np.asarray(image).clip(0, 65535) >> 8
        return Image.fromarray(deep.astype(np.uint8)).convert(mode)
    if image.mode in ALPHA_MODES or "transparency" in image.info:
        image = image.convert("RGBA")
        paper = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(paper, image).convert(mode)
    return image.convert(mode)


def upright_size(image: Image.Image) -> tuple[int, int]:
    """Height and width after the rotation that EXIF asks for; only the header is read."""
    if image.getexif().get(ORIENTATION, 1) >= 5:  # 5 to 8 lie on their side
        return image.width, image.height
    return image.height, image.width


def is_gray(image: Image.Image) -> bool:
    """Whether the header promises one channel."""
    return image.mode in GRAY_MODES
