"""Whether an exported model, alone or an ensemble, is within the limits of its study."""

from __future__ import annotations

from collections.abc import Sequence

from automl.results.trials import TrialRecord
from automl.study.limits import excess
from automl.study.specification import Specification


def ensemble_fits(specification: Specification, trials: Sequence[TrialRecord], *, tta: bool) -> bool:
    """Whether several networks together are within the study's limits. Mirror images double the time of each.

    A trial whose size or time is not known counts nothing. One alone was checked when it was trained, and perhaps
    measured again by its confirmation, on another machine.
    """
    if len(trials) == 1 and not tta:
        return True
    parameters = sum(trial.parameters or 0 for trial in trials)
    milliseconds = sum(trial.milliseconds or 0.0 for trial in trials) * (2 if tta else 1)
    return excess(specification, parameters=parameters, milliseconds=milliseconds) is None
