from __future__ import annotations

import dataclasses

from automl.export.size_limits import ensemble_fits
from tests.report.conftest import trial
from tests.studies import SPECIFICATION

LIMITED = dataclasses.replace(SPECIFICATION, max_parameters=2000, max_milliseconds=2.0)


def test_costs_of_members_add_up_and_mirror_images_take_twice_the_time() -> None:
    small, other = trial(0, "complete", 0.5), trial(0, "complete", 0.6)  # of 1,000 parameters and 0.5 ms
    assert ensemble_fits(LIMITED, [small, other], tta=True)
    assert not ensemble_fits(LIMITED, [small, other, small], tta=False)
    slow = dataclasses.replace(small, milliseconds=1.5)
    assert not ensemble_fits(LIMITED, [slow], tta=True)
    assert ensemble_fits(LIMITED, [slow], tta=False)  # as its search found it, whatever its confirmation measured
