from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from automl.data.groups import cut_groups

images = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 30)), min_size=1, max_size=200)


@given(images=images, seed=st.integers(0, 2**31 - 1))
def test_no_group_is_divided_and_no_class_leaves_train(images: list[tuple[int, int]], seed: int) -> None:
    labels, groups = np.array(images, np.int64).T
    given_splits = np.zeros(len(labels), np.int8)
    random = np.random.RandomState(seed)
    splits = cut_groups(labels, given_splits, groups, [1, 2], share=0.1, random=random)
    assert all(len(set(splits[groups == group])) == 1 for group in set(groups))
    assert set(labels[splits == 0]) == set(labels)


def test_few_large_groups_are_divided_all_the_same() -> None:
    labels, groups = np.arange(100) % 2, np.repeat([0, 1, 2], [40, 36, 24])
    splits = cut_groups(labels, np.zeros(100, np.int8), groups, [1, 2], share=0.1, random=np.random.RandomState(0))
    assert [set(splits[groups == group].tolist()) for group in range(3)] == [{0}, {2}, {1}]


def test_many_small_groups_come_near_to_the_share_in_every_class() -> None:
    labels, groups = np.arange(1000) % 4, np.arange(1000) // 5
    splits = cut_groups(labels, np.zeros(1000, np.int8), groups, [1, 2], share=0.1, random=np.random.RandomState(0))
    for split in (1, 2):
        assert np.abs(np.bincount(labels[splits == split]) - 25).max() <= 3
