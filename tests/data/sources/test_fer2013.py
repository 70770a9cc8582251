from __future__ import annotations

import os
from pathlib import Path

import pytest

from automl.data.loading import load_data_set
from automl.data.split_names import SPLITS

REPOSITORY = Path(__file__).parents[3]
ARCHIVE = Path(os.environ.get("AUTOML_FER2013", REPOSITORY.parent / "shared/data/fer2013/archive.zip"))


@pytest.mark.skipif(not ARCHIVE.exists(), reason="FER2013's zip is not here; AUTOML_FER2013 says where it is")
def test_fer2013_is_read_from_its_zip_with_the_published_counts(tmp_path: Path) -> None:
    data = load_data_set(str(ARCHIVE), home=tmp_path)
    assert data.name == "fer2013"
    assert data.class_names == ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
    assert data.image_shape == (1, 48, 48)
    assert [len(data.splits[split]) for split in SPLITS] == [28_709, 3_589, 3_589]
    assert data.class_counts("train").tolist() == [3995, 436, 4097, 7215, 4830, 3171, 4965]
    assert data.left_out == ()
    assert data.notes == (
        "recognized as FER2013: PublicTest is validation, PrivateTest is test, classes in Kaggle's order",
    )
