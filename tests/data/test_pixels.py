from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from automl.data.pixels import ORIENTATION, is_gray, to_pixels, upright_size

NOISE_HWC = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)


def reopened(image: Image.Image, form: str, **options: object) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return Image.open(buffer)


def test_pixels_of_the_right_size_are_untouched() -> None:
    assert np.array_equal(to_pixels(reopened(Image.fromarray(NOISE_HWC), "PNG"), (3, 6, 8)), NOISE_HWC)
    gray_HW = NOISE_HWC[..., 0]
    assert np.array_equal(to_pixels(reopened(Image.fromarray(gray_HW), "BMP"), (1, 6, 8))[..., 0], gray_HW)


def test_larger_image_covers_the_shape_and_is_cropped_around_its_centre() -> None:
    wide_HW = np.zeros((20, 60), np.uint8)
    wide_HW[:, 20:40] = 255
    pixels = to_pixels(reopened(Image.fromarray(wide_HW), "PNG"), (1, 10, 10))
    assert pixels.shape == (10, 10, 1)
    assert pixels.mean() > 250


def test_photograph_is_turned_upright() -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    lying_HW = np.zeros((16, 32), np.uint8)
    lying_HW[:, :16] = 255  # the left half, which a quarter turn brings to the top
    image = reopened(Image.fromarray(lying_HW), "JPEG", exif=exif, quality=95)
    assert upright_size(image) == (32, 16)
    pixels = to_pixels(image, (1, 32, 16))[..., 0]
    assert pixels[:16].min() > 200
    assert pixels[16:].max() < 50


def test_large_photograph_keeps_its_look_when_decoded_at_a_fraction() -> None:
    gradient_HW = np.tile(np.linspace(0, 255, 1600).astype(np.uint8), (1600, 1))
    pixels = to_pixels(reopened(Image.fromarray(gradient_HW), "JPEG", quality=95), (1, 50, 50))[..., 0]
    assert np.abs(pixels.astype(int) - np.linspace(2.5, 252.5, 50)).max() <= 3


@pytest.mark.parametrize("mode", ["RGB", "CMYK", "P", "RGBA", "L", "LA", "1", "I;16"])
def test_every_mode_becomes_gray_or_colour(mode: str) -> None:
    image = Image.fromarray(NOISE_HWC).convert("L" if mode == "I;16" else mode)
    if mode == "I;16":
        image = Image.fromarray(np.asarray(image).astype(np.uint16) * 257)
    image = reopened(image, "TIFF" if mode == "CMYK" else "PNG")
    expected_gray = mode in ("L", "LA", "1", "I;16")
    assert is_gray(image) == expected_gray
    pixels = to_pixels(image, (3, 6, 8)).astype(int)
    source = NOISE_HWC if not expected_gray else np.asarray(Image.fromarray(NOISE_HWC).convert("L"))[..., np.newaxis]
    if mode not in ("1", "P"):  # the two that lose on the way in
        assert np.abs(pixels - source).max() <= 1


@pytest.mark.parametrize("form", ["PNG", "GIF"])
def test_transparent_areas_become_white(form: str) -> None:
    image = Image.new("RGBA", (4, 4), (255, 0, 0, 0))
    image.paste((0, 0, 255, 255), (0, 0, 2, 4))
    pixels = to_pixels(reopened(image, form), (3, 4, 4))
    assert (pixels[:, :2] == (0, 0, 255)).all()
    assert (pixels[:, 2:] == 255).all()


def test_first_frame_of_an_animation_counts() -> None:
    frames = [Image.new("L", (4, 4), shade) for shade in (10, 200)]
    pixels = to_pixels(reopened(frames[0], "GIF", save_all=True, append_images=frames[1:]), (1, 4, 4))
    assert (pixels == 10).all()
