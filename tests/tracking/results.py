"""Results with a different figure in every field and epoch."""

import dataclasses

from automl.metrics import EpochResult

NAMES = [field.name for field in dataclasses.fields(EpochResult)]


def epoch_result(epoch: int) -> EpochResult:
    figures = {name: 100.0 * position + epoch for position, name in enumerate(NAMES)}
    return EpochResult(**figures | {"epoch": epoch})  # type: ignore[arg-type]
