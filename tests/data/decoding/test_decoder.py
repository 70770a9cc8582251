"""Photographs as they come: real files of each form, mixed sizes, and what is no image whatever its name says."""

from __future__ import annotations

import os
import re
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from automl.data.dataset import DataSet
from automl.data.decoding.chunks import _alone_if_large
from automl.data.decoding.pixels import ORIENTATION
from automl.data.loading import load_data_set
from automl.data.sizing import Sizing
from automl.errors import DataError
from tests.data.pictures import save_classes

BLUE, RED = (20, 40, 200), (200, 40, 20)


def colour_picture() -> Image.Image:
    """Left half red, right half blue, 40 × 24 pixels."""
    image = Image.new("RGB", (40, 24), BLUE)
    image.paste(RED, (0, 0, 20, 24))
    return image


def save_forms(folder: Path) -> list[str]:
    """The same picture in every form, saved as a file of it."""
    folder.mkdir(parents=True)
    image = colour_picture()
    turned = Image.Exif()
    turned[ORIENTATION] = 8  # the camera was held so that the picture has to be turned a quarter to the left
    image.save(folder / "jpeg.jpg", quality=95)
    image.transpose(Image.Transpose.ROTATE_270).save(folder / "exif.jpg", exif=turned, quality=95)
    image.convert("CMYK").save(folder / "cmyk.jpg", quality=95)
    image.save(folder / "png.png")
    image.convert("RGBA").save(folder / "rgba.png")
    image.convert("P", palette=Image.Palette.ADAPTIVE).save(folder / "palette.png")
    image.save(folder / "bmp.bmp")
    image.save(folder / "webp.webp", lossless=True)
    other = Image.new("RGB", image.size, (0, 255, 0))
    image.save(folder / "gif.gif", save_all=True, append_images=[other])
    image.save(folder / "wrong_ending.png", "JPEG", quality=95)
    return sorted(path.name for path in folder.iterdir())


def pixels_by_name(data: DataSet, files: list[Path]) -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.uint8]]]:
    images_MHWC = data.splits["train"].images_MHWC
    return {path.name: images_MHWC[row] for row, path in enumerate(sorted(files))}


def test_every_form_gives_the_same_upright_picture(tmp_path: Path) -> None:
    root = tmp_path / "set"
    names = save_forms(root / "a")
    save_forms(root / "b")
    data = load_data_set(str(root), home=tmp_path)
    assert (data.image_shape, data.left_out) == ((3, 24, 40), ())
    pixels = pixels_by_name(data, [path for path in root.rglob("*") if path.is_file()])
    assert sorted(pixels) == names
    for name, image_HWC in pixels.items():
        for colour, part_HWC in ((RED, image_HWC[4:20, 4:16]), (BLUE, image_HWC[4:20, 24:36])):
            assert np.abs(part_HWC.astype(int) - colour).max() <= 12, name


def test_sixteen_bits_become_eight(tmp_path: Path) -> None:
    deep_HW = np.linspace(0, 65535, 64 * 64).astype(np.uint16).reshape(64, 64)
    for name in ("a/1.png", "a/2.tif", "a/3.png", "b/1.png", "b/2.tif", "b/3.tif"):
        (tmp_path / "set" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(deep_HW).save(tmp_path / "set" / name)
    data = load_data_set(str(tmp_path / "set"), home=tmp_path)
    assert data.image_shape == (1, 64, 64)
    for image_HWC in data.splits["train"].images_MHWC:
        assert np.array_equal(image_HWC[..., 0], deep_HW >> 8)


def test_sizes_from_20_to_12000_pixels_become_one(tmp_path: Path) -> None:
    root = tmp_path / "set"
    for name in ("a", "b"):
        (root / name).mkdir(parents=True)
        for number, size in enumerate([(20, 20), (640, 480), (480, 640)]):
            Image.new("L", size, 100 + number).save(root / name / f"{number}.png")
    Image.new("L", (12_000, 9_000), 50).save(root / "a" / "large.jpg")
    Image.new("L", (12_000, 20), 60).save(root / "b" / "line.png")
    data = load_data_set(str(root), home=tmp_path)
    assert data.left_out == ()
    assert data.notes[0].startswith("images of 20 × 20 pixels to 9000 × 12000 (height × width) are brought to ")
    means = [image.mean() for image in data.splits["train"].images_MHWC]
    assert sorted(means) == pytest.approx([50, 60, 100, 100, 101, 101, 102, 102], abs=1)


@pytest.mark.parametrize(
    ("sizing", "corner"), [(Sizing(16), 200), (Sizing(16, "pad"), 0), (Sizing(16, "stretch"), 200)]
)
def test_asked_size_and_fit_make_the_pixels(tmp_path: Path, sizing: Sizing, corner: int) -> None:
    for name in ("a", "b"):
        (tmp_path / "set" / name).mkdir(parents=True)
        for number in range(3):
            Image.new("L", (64, 32), 200).save(tmp_path / "set" / name / f"{number}.png")
    data = load_data_set(str(tmp_path / "set"), home=tmp_path, sizing=sizing)
    assert (data.image_shape, data.sizing) == ((1, 16, 16), sizing)
    assert (data.splits["train"].images_MHWC[:, 0, 0, 0] == corner).all()
    assert (data.splits["train"].images_MHWC[:, 8, 8, 0] == 200).all()


def test_asked_size_holds_for_arrays_too(tmp_path: Path) -> None:
    assert load_data_set("digits", home=tmp_path, sizing=Sizing(12)).image_shape == (1, 12, 12)
    path = tmp_path / "large.npz"
    images = np.random.default_rng(0).integers(0, 256, (12, 300, 200), np.uint8)
    np.savez(path, images=images, labels=np.arange(12) % 2)
    data = load_data_set(str(path), home=tmp_path)
    assert data.image_shape == (1, 156, 104)
    assert data.notes[0].startswith("images of 300 × 200 pixels (height × width) are brought to 156 × 104 (auto")


def test_postscript_under_the_name_of_an_image_is_not_run(tmp_path: Path) -> None:
    root = save_classes(tmp_path / "set", {"a": 60, "b": 60})
    page = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 7\n%%EndComments\nshowpage\n%%EOF\n"
    (root / "a" / "000.png").write_bytes(page)
    data = load_data_set(str(root), home=tmp_path)
    assert data.left_out == ("a/000.png",)
    assert "a/000.png: not an image" in data.notes[0]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes are of POSIX")
def test_pipe_in_a_table_is_unreadable_instead_of_waited_for(tmp_path: Path) -> None:
    save_classes(tmp_path / "set", {"a": 60, "b": 60})
    os.mkfifo(tmp_path / "set" / "pipe.png")
    rows = [f"{name}/{number:03}.png,{name}" for name in "ab" for number in range(60)]
    (tmp_path / "set" / "labels.csv").write_text("\n".join(["path,label", "pipe.png,a", *rows]))
    data = load_data_set(str(tmp_path / "set" / "labels.csv"), home=tmp_path)
    assert data.notes[0].endswith("pipe.png: not a regular file")


def test_png_of_a_billion_pixels_is_refused_by_its_header(tmp_path: Path) -> None:
    root = save_classes(tmp_path / "set", {"a": 3, "b": 3})
    picture = root / "a" / "bomb.png"
    Image.new("1", (40_000, 30_000)).save(picture, compress_level=9)
    message = f"{root}: 'a/bomb.png' is refused: Image size (1200000000 pixels) exceeds limit of"
    with pytest.raises(DataError, match=re.escape(message)):
        load_data_set(str(root), home=tmp_path)


def test_large_images_are_decoded_one_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two threads, as two processes would, hold a large image each: the second waits for the first."""
    monkeypatch.setattr("automl.data.decoding.chunks.LARGE_PIXELS", 100)
    path, held, order = tmp_path / "images.npy", threading.Event(), []
    path.touch()

    def hold_second() -> None:
        held.wait()
        with _alone_if_large(Image.new("L", (11, 10)), path):
            order.append("second")

    second = threading.Thread(target=hold_second)
    second.start()
    with _alone_if_large(Image.new("L", (11, 10)), path):
        held.set()
        with _alone_if_large(Image.new("L", (10, 10)), path):
            order.append("small ones never wait")
        second.join(0.2)
        order.append("first")
    second.join()
    assert order == ["small ones never wait", "first", "second"]
