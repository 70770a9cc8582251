from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from automl.data.shapes import PIXEL_BUDGET, Header, common_shape

headers = st.builds(Header, st.integers(1, 12_000), st.integers(1, 12_000), st.booleans())


def test_one_size_under_the_budget_stays_and_needs_no_word() -> None:
    assert common_shape([Header(48, 40, gray=True)] * 3) == ((1, 48, 40), ())


def test_mixed_sizes_take_their_medians() -> None:
    shape, notes = common_shape([Header(20, 30, gray=False), Header(40, 30, gray=False), Header(100, 60, gray=False)])
    assert shape == (3, 40, 30)
    assert notes == (
        "images of 20 × 30 pixels to 100 × 60 (height × width) are brought to 40 × 30: "
        "resized to cover it, then cropped around the centre",
    )


def test_one_image_in_colour_makes_the_set_colour() -> None:
    shape, notes = common_shape([Header(8, 8, gray=True), Header(8, 8, gray=False)])
    assert shape == (3, 8, 8)
    assert notes == ("1 of 2 images are gray, the others in colour: all are read in colour",)


@given(st.lists(headers, min_size=1, max_size=20))
def test_shape_keeps_within_the_budget(found: list[Header]) -> None:
    (_, height, width), _ = common_shape(found)
    assert height >= 1
    assert width >= 1
    assert height * width <= PIXEL_BUDGET
