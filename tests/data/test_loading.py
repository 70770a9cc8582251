from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from automl.data.dataset import DataSet
from automl.data.decoding.pixels import ORIENTATION
from automl.data.loading import load_data_set
from automl.data.split_names import SPLITS
from automl.errors import DataError
from tests.data.pictures import pack, save_classes, save_picture


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_classes(tmp_path_factory.mktemp("data") / "photos", {"cats": 20, "dogs": 30})


def all_rows(data: DataSet) -> list[int]:
    return sorted(row for split in data.splits.values() for row in split.rows_N.tolist())


def test_folder_gives_every_pixel_and_label(photos: Path, tmp_path: Path) -> None:
    data = load_data_set(str(photos), home=tmp_path)
    assert (data.name, data.reference, data.class_names) == ("photos", str(photos), ("cats", "dogs"))
    assert data.image_shape == (1, 7, 9)
    assert all_rows(data) == list(range(50))
    files = sorted(photos.rglob("*.png"))
    for split in data.splits.values():
        assert not split.images_MHWC.flags.writeable
        for row, label in zip(split.rows_N, split.labels_N, strict=True):
            assert data.class_names[label] == files[row].parent.name
            assert np.array_equal(split.images_MHWC[row, ..., 0], np.asarray(Image.open(files[row])))


def test_missing_splits_are_cut_and_noted(photos: Path, tmp_path: Path) -> None:
    data = load_data_set(str(photos), home=tmp_path, split_seed=5)
    assert [data.class_counts(split).tolist() for split in SPLITS] == [[16, 24], [2, 3], [2, 3]]
    assert data.notes == (
        "validation (5 images) and test (5 images) cut from train, 10% each, stratified by class, seed 5",
    )


def test_a_split_not_asked_for_is_not_there_and_changes_no_other(photos: Path, tmp_path: Path) -> None:
    whole = load_data_set(str(photos), home=tmp_path)
    search = load_data_set(str(photos), home=tmp_path, splits=("train", "validation"))
    assert list(search.splits) == ["train", "validation"]
    assert search.fingerprint == whole.fingerprint
    for split in search.splits:
        assert np.array_equal(search.splits[split].rows_N, whole.splits[split].rows_N)


def test_fingerprint_is_the_same_wherever_the_set_lies(photos: Path, tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere"
    shutil.copytree(photos, copy, copy_function=shutil.copy)  # other times of change
    references = (photos, copy, pack(photos, tmp_path / "a.zip"), pack(photos, tmp_path / "b.zip", enclosing="photos/"))
    fingerprints = {load_data_set(str(path), home=tmp_path).fingerprint for path in references}
    assert len(fingerprints) == 1


def test_fingerprint_follows_pixels_labels_names_and_splits(photos: Path, tmp_path: Path) -> None:
    roots = {change: tmp_path / change for change in ("nothing", "pixels", "labels", "names", "splits")}
    for root in roots.values():
        shutil.copytree(photos, root / "train")
    save_picture(roots["pixels"] / "train/cats/000.png", seed=77)
    (roots["labels"] / "train/cats/000.png").rename(roots["labels"] / "train/dogs/999.png")
    (roots["names"] / "train/cats").rename(roots["names"] / "train/cows")
    for name in ("cats", "dogs"):
        (roots["splits"] / "val" / name).mkdir(parents=True)
        (roots["splits"] / "train" / name / "000.png").rename(roots["splits"] / "val" / name / "000.png")
    assert len({load_data_set(str(root), home=tmp_path).fingerprint for root in roots.values()}) == len(roots)


def test_only_the_missing_split_is_cut(tmp_path: Path) -> None:
    root = tmp_path / "set"
    save_classes(root / "train", {"a": 20, "b": 20})
    save_classes(root / "test", {"a": 3, "b": 4})
    data = load_data_set(str(root), home=tmp_path)
    assert [data.class_counts(split).tolist() for split in SPLITS] == [[18, 18], [2, 2], [3, 4]]


def test_photographs_of_many_kinds_become_one_shape(tmp_path: Path) -> None:
    root = tmp_path / "set"
    kinds = [("jpg", "RGB"), ("png", "RGBA"), ("gif", "P"), ("bmp", "L"), ("webp", "RGB")]
    for seed, (ending, mode) in enumerate(kinds):
        size = (20 + 100 * seed, 300 - 50 * seed)
        for label in ("a", "b"):
            save_picture(root / label / f"{seed}.{ending}", seed=seed, size=size, mode=mode)
    data = load_data_set(str(root), home=tmp_path)
    assert data.image_shape == (3, 122, 134)
    assert data.notes[0].startswith(
        "images of 100 × 20 pixels to 300 × 420 (height × width) are brought to 122 × 134 (auto:"
    )
    assert data.left_out == ()


def test_every_common_type_is_read(tmp_path: Path) -> None:
    flat_HWC = np.full((16, 24, 3), (200, 30, 90), np.uint8)
    forms = {".avif": "AVIF", ".jp2": "JPEG2000", ".j2k": "JPEG2000", ".jpe": "JPEG", ".jfif": "JPEG", ".mpo": "MPO"}
    forms |= {".apng": "PNG", ".pnm": "PPM", ".tif": "TIFF"}
    for name in ("a", "b"):
        (tmp_path / "set" / name).mkdir(parents=True)
        for ending, form in forms.items():
            Image.fromarray(flat_HWC).save(tmp_path / "set" / name / f"1{ending}", form)
    data = load_data_set(str(tmp_path / "set"), home=tmp_path)
    assert (data.image_shape, data.left_out, len(all_rows(data))) == ((3, 16, 24), (), 2 * len(forms))
    assert np.abs(data.splits["train"].images_MHWC.astype(int) - flat_HWC).max() <= 4


def test_photograph_in_avif_is_turned_upright_and_a_damaged_one_left_out(tmp_path: Path) -> None:
    root = save_classes(tmp_path / "set", {"a": 60, "b": 60}, ending=".avif")
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    lying_HW = np.zeros((9, 7), np.uint8)
    lying_HW[:, :3] = 255  # the left part, which a quarter turn brings to the top
    Image.fromarray(lying_HW).save(root / "a" / "000.avif", exif=exif)
    whole = (root / "a" / "001.avif").read_bytes()
    (root / "a" / "001.avif").write_bytes(whole[:-30])
    data = load_data_set(str(root), home=tmp_path)
    assert data.left_out == ("a/001.avif",)
    pixels_HW = data.splits["train"].images_MHWC[0, ..., 0]
    assert pixels_HW[:2].min() > 200 > 50 > pixels_HW[-2:].max()


def test_transparent_drawings_are_visible_and_reported(tmp_path: Path) -> None:
    for name, colour in (("light", (255, 255, 255)), ("dark", (0, 0, 0))):
        (tmp_path / "set" / name).mkdir(parents=True)
        for number in range(3):
            drawing = Image.new("RGBA", (8, 8), (*colour, 0))
            drawing.paste((*colour, 255), (number, 0, number + 4, 8))
            drawing.save(tmp_path / "set" / name / f"{number}.png")
    data = load_data_set(str(tmp_path / "set"), home=tmp_path)
    assert data.notes[0] == (
        "6 of 6 images may be transparent: what lies behind them is white, "
        "and black where a drawing is nearly white itself"
    )
    for pixels in data.splits["train"].images_MHWC:
        assert (pixels.min(), pixels.max()) == (0, 255)


def test_class_folders_in_other_scripts_keep_their_names(tmp_path: Path) -> None:
    root = save_classes(tmp_path / "набор", {"кошки": 4, "狗": 4})
    assert load_data_set(str(root), home=tmp_path).class_names == ("кошки", "狗")
    archive = pack(root, tmp_path / "набор.zip")
    assert load_data_set(str(archive), home=tmp_path).class_names == ("кошки", "狗")


def test_digits_are_those_of_scikit_learn(tmp_path: Path) -> None:
    data = load_data_set("digits", home=tmp_path)
    digits = load_digits()
    assert data.image_shape == (1, 8, 8)
    assert data.class_names == tuple("0123456789")
    assert [len(data.splits[split]) for split in SPLITS] == [1439, 179, 179]
    images = data.splits["train"].images_MHWC[..., 0]
    assert (images.min(), images.max()) == (0, 255)
    assert np.array_equal(np.rint(images / 255 * 16), digits.images)


def test_digits_beside_a_folder_of_this_name_are_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "digits").mkdir()
    data = load_data_set("digits", home=tmp_path)
    assert data.notes[0] == "digits is the built-in set; the folder digits here is called ./digits"


def test_one_unreadable_image_in_a_hundred_is_left_out_and_listed(tmp_path: Path) -> None:
    root = save_classes(tmp_path / "set", {"a": 60, "b": 60})
    (root / "a" / "007.png").write_bytes(b"not a picture")
    data = load_data_set(str(root), home=tmp_path)
    assert data.left_out == ("a/007.png",)
    assert data.notes[0] == "1 left out, as they cannot be read:\n  a/007.png: not an image"
    assert all_rows(data) == [row for row in range(120) if row != 7]


def test_image_that_breaks_off_is_left_out(tmp_path: Path) -> None:
    root = save_classes(tmp_path / "set", {"a": 60, "b": 60})
    whole = (root / "b" / "000.png").read_bytes()
    (root / "b" / "000.png").write_bytes(whole[: len(whole) // 2])
    assert load_data_set(str(root), home=tmp_path).left_out == ("b/000.png",)


def test_too_many_unreadable_images_are_an_error_that_names_the_first(tmp_path: Path) -> None:
    root = save_classes(tmp_path / "set", {"a": 20, "b": 20})
    for index in range(7):
        (root / "b" / f"{index:03}.png").write_bytes(b"")
    message = "7 of 40 images cannot be read, more than 1%:\n  b/000.png: not an image\n"
    with pytest.raises(DataError, match=re.escape(message)) as caught:
        load_data_set(str(root), home=tmp_path)
    assert str(caught.value).endswith("  b/004.png: not an image\n  and 2 more\nRepair or remove them.")


def test_set_without_any_readable_image_is_an_error(tmp_path: Path) -> None:
    for name in ("a/1.jpg", "b/1.jpg"):
        (tmp_path / "set" / name).parent.mkdir(parents=True)
        (tmp_path / "set" / name).write_bytes(b"?")
    message = f"{tmp_path / 'set'}: none of its 2 images can be read (not an image)."
    with pytest.raises(DataError, match=re.escape(message)):
        load_data_set(str(tmp_path / "set"), home=tmp_path)


def test_set_whose_images_all_break_off_is_an_error_with_the_reason(tmp_path: Path) -> None:
    root = save_classes(tmp_path / "set", {"a": 3, "b": 3})
    for path in root.rglob("*.png"):
        path.write_bytes(path.read_bytes()[:-60])
    with pytest.raises(DataError, match=re.escape(f"{root}: none of its 6 images can be read (")):
        load_data_set(str(root), home=tmp_path)


def test_dead_link_is_unreadable(tmp_path: Path) -> None:
    root = save_classes(tmp_path / "set", {"a": 60, "b": 60})
    (root / "a" / "gone.png").symlink_to(tmp_path / "nowhere")
    data = load_data_set(str(root), home=tmp_path)
    assert data.left_out == ("a/gone.png",)
    assert "a/gone.png: No such file or directory" in data.notes[0]


def test_image_of_a_billion_pixels_is_refused(tmp_path: Path) -> None:
    root = save_classes(tmp_path / "set", {"a": 3, "b": 3})
    header = b"P5 40000 30000 255\n"
    (root / "a" / "bomb.pgm").write_bytes(header + bytes(100))
    message = f"{root}: 'a/bomb.pgm' is refused: Image size (1200000000 pixels) exceeds limit of"
    with pytest.raises(DataError, match=re.escape(message)):
        load_data_set(str(root), home=tmp_path)


@pytest.mark.parametrize("counts", [{}, {"a": 3}])
def test_empty_folder_and_single_class_are_refused(tmp_path: Path, counts: dict[str, int]) -> None:
    root = tmp_path / "set"
    root.mkdir()
    save_classes(root, counts)
    message = f"{root}: Only one class, 'a': a classifier" if counts else f"{root}: No images: it is empty. Expected"
    with pytest.raises(DataError, match=re.escape(message)):
        load_data_set(str(root), home=tmp_path)


def test_class_without_training_images_is_refused(tmp_path: Path) -> None:
    root = tmp_path / "set"
    save_classes(root / "train", {"a": 3, "b": 3})
    save_classes(root / "test", {"a": 3, "c": 3})
    message = f"{root}: class 'c' has images in test only.\n"
    with pytest.raises(DataError, match=re.escape(message)):
        load_data_set(str(root), home=tmp_path)


def test_progress_reaches_the_number_of_images(photos: Path, tmp_path: Path) -> None:
    heard: list[tuple[int, int]] = []
    load_data_set(str(photos), home=tmp_path, on_progress=lambda done, total: heard.append((done, total)))
    assert heard == sorted(heard)
    assert heard[-1] == (50, 50)
