from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from automl.data.decoding.pixels import BAND_ROWS, read_header, to_pixels
from automl.data.decoding.transparency import choose_paper
from tests.data.decoding.test_pixels import reopened

SHAPE = (3, 8, 8)


def drawing(mode: str, colour: int, *, rows: int = 8) -> Image.Image:
    """A gray square on nothing."""
    image = Image.new("LA", (8, rows), (colour, 0))
    image.paste((colour, 255), (2, rows - 6, 6, rows - 2))
    return image.convert("RGBA").convert(mode)


@pytest.mark.parametrize(("mode", "form"), [("RGBA", "PNG"), ("LA", "PNG"), ("RGBA", "WEBP"), ("RGBA", "GIF")])
@pytest.mark.parametrize(("colour", "paper"), [(255, 0), (240, 0), (200, 255), (128, 255), (0, 255)])
def test_drawing_of_every_colour_is_seen_on_its_paper(mode: str, form: str, colour: int, paper: int) -> None:
    image = reopened(drawing(mode, colour), form, **({"lossless": True} if form == "WEBP" else {}))
    assert read_header(image).transparent
    pixels_HW = to_pixels(image, SHAPE)[..., 0].astype(int)
    assert (pixels_HW[2:6, 2:6] == colour).all()
    assert (pixels_HW[:, :2] == paper).all()


def test_transparent_palette_is_laid_on_paper() -> None:
    image = Image.new("P", (8, 8), 0)
    image.putpalette([9, 9, 9, 255, 255, 255])
    image.paste(1, (2, 2, 6, 6))
    pixels_HW = to_pixels(reopened(image, "PNG", transparency=0), SHAPE)[..., 0]
    assert (pixels_HW[2:6, 2:6] == 255).all()
    assert not pixels_HW[:, :2].any()


def test_dark_line_in_a_light_drawing_keeps_the_paper_white() -> None:
    image = drawing("RGBA", 255)
    image.paste((0, 0, 0, 255), (2, 2, 6, 3))
    assert choose_paper([image]) == "white"


def test_all_bands_of_an_image_lie_on_one_paper() -> None:
    """The drawing is in the last band alone."""
    rows = 2 * BAND_ROWS + 8
    pixels_HW = to_pixels(drawing("RGBA", 255, rows=rows), (1, rows, 8))[..., 0]
    assert not pixels_HW[:BAND_ROWS].any()
    assert (pixels_HW[-6:-2, 2:6] == 255).all()


def test_opaque_image_with_an_alpha_channel_is_as_it_is() -> None:
    light_HWC = np.full((8, 8, 4), 255, np.uint8)
    assert (to_pixels(reopened(Image.fromarray(light_HWC), "PNG"), SHAPE) == 255).all()


def test_image_of_nothing_is_white() -> None:
    assert (to_pixels(Image.new("RGBA", (8, 8), (255, 255, 255, 0)), SHAPE) == 255).all()
