from __future__ import annotations

import re
from pathlib import Path

import pytest

from automl.application.plan import make_plan
from automl.application.search_options import SearchOptions
from automl.errors import SpaceError
from automl.settings import Settings


def test_grid_without_an_end_is_refused_before_the_images_are_looked_for(tmp_path: Path) -> None:
    options = SearchOptions(
        data="no/such/photos", space={"method": "grid", "parameters": {"dropout": {"min": 0.0, "max": 0.5}}}
    )
    sentence = (
        "A grid needs an end, and these have none: dropout. "
        "Give `values`, or `q_uniform` with a `q`, or choose another sampler."
    )
    with pytest.raises(SpaceError, match=f"^{re.escape(sentence)}$"):
        make_plan(options, Settings({}), home=tmp_path, on_progress=None)
