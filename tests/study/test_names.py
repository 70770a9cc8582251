from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.errors import StudyError
from automl.study.names import check_name, default_name


@pytest.mark.parametrize(
    "name", ["pets", "my pets 2", "кошки-猫", "'; DROP TABLE studies; --", "a.b_c+d", "x" * 200, "猫" * 66]
)
def test_ordinary_and_odd_names_are_taken(name: str) -> None:
    check_name(name)


@pytest.mark.parametrize(
    "name",
    ["", " ", " a", "a ", "a/b", "..", "../../etc", "a\\b", "-x", "a\nb", "\x1b[31m", "\udcff", "x" * 201, "猫" * 67],
)
def test_names_that_no_folder_or_argument_can_have_are_refused(name: str) -> None:
    message = f"No study can be called {name[:200]!r}: it takes 1 to 200 bytes of UTF-8 on one line, without / and \\,"
    with pytest.raises(StudyError, match="^" + re.escape(message)):
        check_name(name)


@given(data=st.text(st.characters()), space=st.text(st.characters()))
def test_default_name_is_always_one(data: str, space: str) -> None:
    check_name(default_name(data, space, "accuracy"))


def test_default_name_says_what_is_searched() -> None:
    assert default_name("my photos", "team/sweep", "macro_f1") == "my photos-team-sweep-macro-f1"
