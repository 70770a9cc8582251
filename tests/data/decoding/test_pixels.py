from __future__ import annotations

import io
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from automl.data.decoding.pixels import BAND_ROWS, ORIENTATION, convert, read_header, to_mode, to_pixels
from automl.data.sizing import Fit
from automl.data.source_contents import Header

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
    assert read_header(image) == Header(32, 16, "L")
    pixels = to_pixels(image, (1, 32, 16))[..., 0]
    assert pixels[:16].min() > 200
    assert pixels[16:].max() < 50


def test_tiff_is_turned_once() -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    image = reopened(Image.fromarray(np.zeros((16, 32), np.uint8)), "TIFF", exif=exif)
    assert read_header(image) == Header(32, 16, "L")
    assert to_pixels(image, (1, 32, 16)).shape == (32, 16, 1)


@pytest.mark.parametrize(
    "exif", [b"Exif\0\0nonsense", b"Exif\0\0II*\0\x08\0\0\0\1\0\x12\1\1\0\1\0\0\0\6\0\0\0\0\0\0\0"]
)
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_image_with_useless_exif_is_upright(form: str, exif: bytes) -> None:
    image = reopened(Image.fromarray(NOISE_HWC), form, exif=exif)
    assert read_header(image) == Header(6, 8, "RGB")
    assert to_pixels(image, (3, 6, 8)).shape == (6, 8, 3)


def test_header_of_a_png_needs_no_pixels() -> None:
    whole = io.BytesIO()
    Image.fromarray(NOISE_HWC).save(whole, "PNG")
    image = Image.open(io.BytesIO(whole.getvalue()[:60]))
    assert read_header(image) == Header(6, 8, "RGB")


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
    assert read_header(image).gray == expected_gray
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


def test_padding_keeps_the_whole_image_in_the_middle_of_black() -> None:
    wide_HW = np.full((10, 20), 200, np.uint8)
    pixels = to_pixels(reopened(Image.fromarray(wide_HW), "PNG"), (1, 40, 40), "pad")[..., 0]
    assert (pixels[10:30] == 200).all()
    assert not pixels[:10].any()
    assert not pixels[30:].any()


def test_stretching_keeps_all_of_the_image() -> None:
    halves_HW = np.zeros((10, 40), np.uint8)
    halves_HW[:, 20:] = 200
    pixels = to_pixels(reopened(Image.fromarray(halves_HW), "PNG"), (1, 10, 10), "stretch")[..., 0]
    assert pixels[:, :4].max() <= 5
    assert pixels[:, 6:].min() >= 195


@pytest.mark.parametrize("fit", ["crop", "pad", "stretch"])
@pytest.mark.parametrize("size", [(12_000, 20), (20, 12_000), (1, 1), (20, 20)])
def test_every_aspect_gets_the_shape(size: tuple[int, int], fit: Fit) -> None:
    assert to_pixels(Image.new("L", size, 90), (3, 24, 32), fit).max() >= 85


def test_arrays_are_converted_like_the_same_images() -> None:
    batch_NHWC = np.stack([NOISE_HWC, NOISE_HWC[::-1]])
    converted = convert(batch_NHWC, (1, 4, 4), "pad")
    for image_HWC, pixels in zip(batch_NHWC, converted, strict=True):
        assert np.array_equal(pixels, to_pixels(Image.fromarray(image_HWC), (1, 4, 4), "pad"))


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_image_of_many_rows_is_converted_as_one_of_few(mode: str) -> None:
    """Bands of rows give what the whole image would."""
    values_HW = np.random.default_rng(0).integers(0, 65536, (3 * BAND_ROWS + 5, 4)).astype(np.uint16)
    channels = (values_HW >> 8, values_HW & 255, values_HW >> 4, values_HW % 251)
    image = Image.fromarray(np.stack(channels, axis=-1).astype(np.uint8)).convert(mode)
    converted = to_mode(image, "L")
    for row in (0, BAND_ROWS - 1, BAND_ROWS, image.height - 1):
        alone = to_mode(image.crop((0, row, image.width, row + 1)), "L")
        assert np.array_equal(np.asarray(converted)[row], np.asarray(alone)[0])


def test_large_transparent_image_is_converted_in_little_memory() -> None:
    """Its own 144 MB and the result's 36 MB, but not three times as much again."""
    code = (
        "import resource\n"
        "from PIL import Image\n"
        "from automl.data.decoding.pixels import to_mode\n"
        "image = Image.new('RGBA', (6000, 6000), (0, 0, 0, 9))\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "to_mode(image, 'L')\n"
        "print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 100
