"""The data of a study, or of a model, on this machine: loaded, and held against what is known of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from automl.data.dataset import DataSet
from automl.data.loading import load_data_set
from automl.data.sizing import Sizing
from automl.data.split_names import SplitName
from automl.errors import DataError
from automl.study.specification import Specification

LEARNED_FROM: tuple[SplitName, ...] = ("train", "validation")
"""Splits that a search reads."""


def load_study_data(
    specification: Specification,
    *,
    of: str,
    home: Path,
    reference: str | None = None,
    splits: Sequence[SplitName] = LEARNED_FROM,
) -> DataSet:
    """Load the data of a study, from where it found them or from `reference`; `of` names it in the message.

    Raises: DataError if they are not there, or are other data than the study's.
    """
    data = specification.data
    return load_known_data(
        reference or data.reference,
        of=of,
        fingerprint=data.fingerprint,
        split_seed=specification.seed,
        sizing=data.sizing,
        home=home,
        splits=splits,
    )


def load_known_data(
    reference: str,
    *,
    of: str,
    fingerprint: str,
    split_seed: int,
    sizing: Sizing,
    home: Path,
    splits: Sequence[SplitName],
) -> DataSet:
    """Load data whose fingerprint is known; `of` names what was made with them, for the message.

    Raises: DataError if they are not there, or have another fingerprint.
    """
    data = load_data_set(reference, home=home, splits=splits, split_seed=split_seed, sizing=sizing)
    if data.fingerprint != fingerprint:
        raise DataError(
            f"{data.reference} does not hold the data of {of}: its fingerprint is {data.fingerprint[:12]}, and "
            f"{fingerprint[:12]} was expected. Restore those data, or name their location with --data."
        )
    return data
