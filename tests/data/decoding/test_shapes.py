from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.data.decoding.shapes import PIXEL_BUDGET, common_shape
from automl.data.sizing import AUTO, Sizing
from automl.data.source_contents import Header
from automl.errors import DataError

headers = st.builds(Header, st.integers(1, 12_000), st.integers(1, 12_000), st.sampled_from(["L", "RGB"]))


def test_one_size_under_the_budget_stays_and_needs_no_word() -> None:
    assert common_shape([Header(48, 40, "L")] * 3, AUTO) == ((1, 48, 40), ())


def test_mixed_sizes_take_their_medians() -> None:
    shape, notes = common_shape([Header(20, 30, "RGB"), Header(40, 30, "P"), Header(100, 60, "RGBA")], AUTO)
    assert shape == (3, 40, 30)
    assert notes == (
        "images of 20 × 30 pixels to 100 × 60 (height × width) are brought to 40 × 30 "
        "(auto: their median, at most 16,384 pixels): resized to cover it, then cropped around the centre",
    )


@pytest.mark.parametrize(
    ("sizing", "conversion"),
    [
        (Sizing(64, "crop"), "resized to cover it, then cropped around the centre"),
        (Sizing(64, "pad"), "resized to fit into it, black around"),
        (Sizing(64, "stretch"), "stretched, whatever their aspect"),
    ],
)
def test_asked_size_is_both_sides_and_the_note_says_how(sizing: Sizing, conversion: str) -> None:
    assert common_shape([Header(48, 40, "L")] * 3, sizing) == (
        (1, 64, 64),
        (f"images of 48 × 40 pixels (height × width) are brought to 64 × 64 (as asked): {conversion}",),
    )


@pytest.mark.parametrize("size", [0, 3, 2049])
def test_size_that_nothing_can_be_learnt_from_is_refused(size: int) -> None:
    message = f"Image size {size}: it takes auto, or pixels from 4 to 2048 for both sides."
    with pytest.raises(DataError, match=re.escape(message)):
        Sizing(size)


def test_unknown_fit_is_refused() -> None:
    with pytest.raises(DataError, match=re.escape("Fit 'cover' is unknown. Known: crop, pad, stretch.")):
        Sizing(fit="cover")  # type: ignore[arg-type]


def test_one_image_in_colour_makes_the_set_colour() -> None:
    shape, notes = common_shape([Header(8, 8, "L"), Header(8, 8, "RGB")], AUTO)
    assert shape == (3, 8, 8)
    assert notes == ("1 of 2 images are gray, the others in colour: all are read in colour",)


@given(st.lists(headers, min_size=1, max_size=20))
def test_shape_keeps_within_the_budget(found: list[Header]) -> None:
    (_, height, width), _ = common_shape(found, AUTO)
    assert height >= 1
    assert width >= 1
    assert height * width <= PIXEL_BUDGET
