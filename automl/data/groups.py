"""Groups (a person, a patient, a burst of photographs) that must not be divided among splits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from automl.errors import DataError


def check_groups(groups_N: npt.NDArray[np.int64], splits_N: npt.NDArray[np.int8], *, reference: str) -> None:
    """Check that each group lies in one split.

    Raises: DataError with the number of those that do not.
    """
    pairs_P2 = np.unique(np.stack([groups_N, splits_N.astype(np.int64)], axis=1), axis=0)
    divided = np.count_nonzero(np.bincount(pairs_P2[:, 0]) > 1)
    if divided:
        raise DataError(
            f"{reference}: {divided} groups have images in several of the given splits, so the validation would "
            "flatter the model. Give each group one split, or leave the splits out and have them cut."
        )


def cut_groups(
    labels_N: npt.NDArray[np.int64],
    given_N: npt.NDArray[np.int8],
    groups_N: npt.NDArray[np.int64],
    missing: Sequence[int],
    *,
    share: float,
    random: np.random.RandomState,
) -> npt.NDArray[np.int8]:
    """Fill each missing split with whole groups of train, in random order, as long as its class counts come nearer.

    Where every group is too large for that, a split takes the one that comes nearest. A group that holds the last
    images of a class in train stays there.
    """
    counts_GK = np.zeros((groups_N.max() + 1, labels_N.max() + 1), np.int64)
    in_train = given_N == 0
    np.add.at(counts_GK, (groups_N[in_train], labels_N[in_train]), 1)
    wanted_K, left_K = share * counts_GK.sum(axis=0), counts_GK.sum(axis=0)

    def can_go(group: int) -> bool:
        return bool((left_K - counts_GK[group])[counts_GK[group] > 0].all())

    def distance(group: int) -> float:
        return float(np.square(wanted_K - counts_GK[group]).sum())

    splits_N, order_G = given_N.copy(), random.permutation(np.flatnonzero(counts_GK.any(axis=1)))
    for split in missing:
        lacking_K, taken = wanted_K.copy(), []
        for group in order_G:
            counts_K = counts_GK[group]
            if np.square(lacking_K - counts_K).sum() < np.square(lacking_K).sum() and can_go(group):
                taken.append(group)
                lacking_K, left_K = lacking_K - counts_K, left_K - counts_K
        if not taken and (possible := [group for group in order_G if can_go(group)]):
            taken = [min(possible, key=distance)]
            left_K = left_K - counts_GK[taken[0]]
        splits_N[np.isin(groups_N, taken)] = split
        order_G = order_G[~np.isin(order_G, taken)]
    return splits_N
