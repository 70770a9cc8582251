from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from automl.data.dataset import DataSet
from automl.data.decoding.depth import choose_range, extent_of, scale_to_grays
from automl.data.loading import load_data_set
from automl.data.pixel_range import SIXTEEN_BITS, PixelRange
from automl.errors import DataError
from tests.data.deep_pictures import save_deep, save_deep_classes
from tests.data.pictures import pack, save_picture

SIZE = (10, 10)


def load(folder: Path, home: Path, **options: Any) -> DataSet:
    return load_data_set(str(folder), home=home, **options)


def images_of(data: DataSet) -> npt.NDArray[np.uint8]:
    return data.splits["train"].images_MHWC


def noise(low: int, high: int, dtype: type) -> Any:
    return lambda random, label: random.integers(low, high, SIZE).astype(dtype)


def note(count: str, values: str, others: str = "") -> str:
    return (
        f"{count} images have more than 8 bits: their values from {values} become 256 grays in equal steps, the same "
        f"for all (by the training images){others}"
    )


def test_small_values_in_sixteen_bits_are_kept_and_reported(tmp_path: Path) -> None:
    """The two classes that became black: 0 to 127 and 128 to 255."""
    root = save_deep_classes(
        tmp_path / "set", lambda random, label: random.integers(128 * label, 128 * label + 128, SIZE).astype(np.uint16)
    )
    data = load(root, tmp_path)
    written = [np.asarray(Image.open(path)) for path in sorted(root.rglob("*.png"))]
    assert np.array_equal(images_of(data)[..., 0], np.stack(written))
    assert data.pixel_range == PixelRange(0, 256)
    assert data.notes[0] == note("12 of 12", "0 to 255")


@pytest.mark.parametrize(
    ("make", "ending", "expected", "values"),
    [
        (noise(0, 4096, np.uint16), ".png", PixelRange(0, 4096), "0 to 4,095"),
        (noise(0, 65536, np.uint16), ".png", SIXTEEN_BITS, "0 to 65,535"),
        (
            lambda random, label: np.array([[29000, 30999]], np.uint16),
            ".tif",
            PixelRange(29000, 31000),
            "29,000 to 30,999",
        ),
        (lambda random, label: np.array([[-1024, 3071]], np.int32), ".tif", PixelRange(-1024, 3072), "-1,024 to 3,071"),
        (
            lambda random, label: np.array([[-1.5, 2.5]], np.float32),
            ".tif",
            PixelRange(-1.5, 2.5, floats=True),
            "-1.5 to 2.5",
        ),
    ],
)
def test_set_has_the_scale_of_its_own_values(
    tmp_path: Path, make: Any, ending: str, expected: PixelRange, values: str
) -> None:
    data = load(save_deep_classes(tmp_path / "set", make, ending=ending), tmp_path)
    assert data.pixel_range == expected
    assert data.notes[0] == note("12 of 12", values)
    assert images_of(data).min() <= 1
    assert images_of(data).max() >= 254


@pytest.mark.parametrize("ending", [".png", ".tif"])
def test_colours_of_twelve_bits_keep_all_their_grays(tmp_path: Path, ending: str) -> None:
    """Pillow alone would keep 16 of them."""
    root = save_deep_classes(
        tmp_path / "set", lambda random, label: random.integers(0, 4096, (*SIZE, 3)), ending=ending
    )
    data = load(root, tmp_path)
    expected = np.random.default_rng(0).integers(0, 4096, (*SIZE, 3)) >> 4
    assert np.array_equal(images_of(data)[0], expected)
    assert (data.pixel_range, data.image_shape) == (PixelRange(0, 4096), (3, *SIZE))


@pytest.mark.parametrize("channels", [2, 4])
def test_alpha_of_sixteen_bits_is_no_colour(tmp_path: Path, channels: int) -> None:
    def make(random: np.random.Generator, label: int) -> npt.NDArray[Any]:
        values = random.integers(0, 4096, (*SIZE, channels))
        values[..., -1] = 65535
        values[0, :, -1] = 0
        return values

    data = load(save_deep_classes(tmp_path / "set", make), tmp_path)
    assert data.pixel_range == PixelRange(0, 4096)
    expected = np.random.default_rng(0).integers(0, 4096, (*SIZE, channels)) >> 4
    colours = expected[..., :3] if channels == 4 else expected[..., [0, 0, 0]]
    assert np.array_equal(images_of(data)[0][1:], colours[1:])
    assert (images_of(data)[0][0] == 255).all()


def test_images_of_eight_bits_stay_as_they_are_beside_deep_ones(tmp_path: Path) -> None:
    root = save_deep_classes(tmp_path / "set", noise(0, 1024, np.uint16))
    save_picture(root / "a" / "shallow.png", seed=1, size=SIZE)
    data = load(root, tmp_path)
    assert np.array_equal(images_of(data)[6][..., 0], np.asarray(Image.open(root / "a" / "shallow.png")))
    assert data.pixel_range == PixelRange(0, 1024)
    assert data.notes[0] == note("12 of 13", "0 to 1,023", "; the others have 8 bits and stay as they are")


def test_images_of_eight_bits_alone_have_no_scale_and_no_note(tmp_path: Path) -> None:
    for number in range(12):
        save_picture(tmp_path / "set" / "ab"[number % 2] / f"{number}.png", seed=number, size=SIZE)
    data = load(tmp_path / "set", tmp_path)
    assert data.pixel_range is None
    assert len(data.notes) == 1  # of the cut splits


def test_training_images_alone_decide(tmp_path: Path) -> None:
    for split, high in (("train", 4096), ("test", 65536)):
        save_deep_classes(tmp_path / "set" / split, noise(0, high, np.uint16))
    assert load(tmp_path / "set", tmp_path).pixel_range == PixelRange(0, 4096)


def test_same_images_have_the_same_pixels_in_a_zip_and_by_a_table(tmp_path: Path) -> None:
    root = save_deep_classes(tmp_path / "set", noise(0, 4096, np.uint16))
    lines = [f"{path.relative_to(tmp_path)},{path.parent.name}" for path in sorted(root.rglob("*.png"))]
    (tmp_path / "set.csv").write_text("path,label\n" + "\n".join(lines) + "\n")
    sources = (root, pack(root, tmp_path / "set.zip"), tmp_path / "set.csv")
    loaded = [load(source, tmp_path / "home") for source in sources]
    assert len({data.fingerprint for data in loaded}) == 1
    assert {data.pixel_range for data in loaded} == {PixelRange(0, 4096)}


def test_scale_outlives_the_cache(tmp_path: Path) -> None:
    root = save_deep_classes(tmp_path / "set", noise(0, 4096, np.uint16))
    first, again = load(root, tmp_path), load(root, tmp_path)
    assert (again.pixel_range, again.notes) == (first.pixel_range, first.notes)


def test_scale_of_a_model_is_used_instead(tmp_path: Path) -> None:
    root = save_deep_classes(tmp_path / "set", noise(0, 1024, np.uint16))
    data = load(root, tmp_path, pixel_range=PixelRange(0, 4096))
    expected = np.random.default_rng(0).integers(0, 1024, SIZE) >> 4
    assert np.array_equal(images_of(data)[0][..., 0], expected)
    assert data.pixel_range == PixelRange(0, 4096)
    assert load(root, tmp_path).pixel_range == PixelRange(0, 1024)  # the set's own are still there


def test_dead_pixels_make_no_image_black(tmp_path: Path) -> None:
    def make(random: np.random.Generator, label: int) -> npt.NDArray[Any]:
        values = random.integers(0, 1000, (64, 64)).astype(np.uint16)
        values[3, 5] = 65535
        return values

    data = load(save_deep_classes(tmp_path / "set", make), tmp_path)
    assert data.pixel_range == PixelRange(0, 1024)
    assert data.notes[1] == "a few pixels have values far outside, from 0 to 65,535: they become black or white"


def test_value_that_means_none_is_remarked_on(tmp_path: Path) -> None:
    def make(random: np.random.Generator, label: int) -> npt.NDArray[Any]:
        values = random.random(SIZE, np.float32)
        values[0] = np.finfo(np.float32).min
        return values

    data = load(save_deep_classes(tmp_path / "set", make, ending=".tif"), tmp_path)
    assert data.notes[1] == (
        "half of the images of more than 8 bits use fewer than 16 of the 256 grays: if a value far from the others "
        "means 'none', replace it by one near them"
    )


def test_nan_is_black_and_infinity_white() -> None:
    scale, notes = choose_range([_extent([np.nan, 1.0, 3.0, np.inf])], floats=True)
    assert (scale, notes) == (PixelRange(1.0, 3.0, floats=True), ())
    grays = scale_to_grays(np.array([np.nan, -np.inf, 1.0, 2.0, 3.0, np.inf]), scale)
    assert grays.tolist() == [
        0,
        0,
        0,
        128,
        255,
        255,
    ]
    assert extent_of(np.full(3, np.nan)) is None


def _extent(values: list[float]) -> Any:
    found = extent_of(np.array(values))
    assert found is not None
    return found


def test_range_of_one_value_is_a_range() -> None:
    assert choose_range([_extent([7.0])], floats=True)[0] == PixelRange(7.0, 8.0, floats=True)
    assert choose_range([extent_of(np.array([70000]))], floats=False)[0] == PixelRange(70000, 70001)  # type: ignore[list-item]


def test_floats_and_whole_numbers_have_no_common_scale(tmp_path: Path) -> None:
    root = save_deep_classes(tmp_path / "set", noise(0, 4096, np.uint16))
    save_deep(root / "a" / "float.tif", np.random.default_rng(0).random(SIZE, np.float32))
    sentence = (
        f"{root}: 1 training images hold floating-point numbers and 12 whole numbers of more than 8 bits, which have "
        "no common scale. Save all of them in one form."
    )
    with pytest.raises(DataError, match=f"^{re.escape(sentence)}$"):
        load(root, tmp_path)


def test_interrupted_decoding_goes_on_with_its_scale(tmp_path: Path) -> None:
    """The decode log of a killed process has it."""
    from automl.data.decoding.decode_log import NAME, DecodeLog
    from automl.data.decoding.decoder import EncodedImages
    from automl.data.disk_space import PixelFile
    from automl.data.sizing import AUTO

    root = save_deep_classes(tmp_path / "set", noise(0, 4096, np.uint16))
    images = EncodedImages(root, tuple(str(path.relative_to(root)) for path in sorted(root.rglob("*.png"))))
    pixel_file = PixelFile(tmp_path / "cache", len(images.names))
    first = images.write(pixel_file, AUTO)
    lines = (pixel_file.folder / NAME).read_text().splitlines()
    (pixel_file.folder / NAME).write_text(lines[0] + "\n")
    assert json.loads(lines[0])["pixel_range"] == {"low": 0, "stop": 4096, "floats": False}
    assert DecodeLog(pixel_file.folder).plan is not None
    assert images.write(pixel_file, AUTO).pixel_range == first.pixel_range == PixelRange(0, 4096)
