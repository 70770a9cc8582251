from __future__ import annotations

import dataclasses

import pytest

from automl.data.sizing import AUTO, Sizing
from automl.errors import DataError
from automl.export.card import ModelCard
from tests.export.conftest import Trained


def test_card_is_read_back_as_it_was_written(trained: Trained) -> None:
    card = dataclasses.replace(trained.card, sizing=Sizing(8, "stretch"))
    assert ModelCard.from_document(card.as_document()) == card


def test_card_of_before_there_were_sizes_is_auto(trained: Trained) -> None:
    document = trained.card.as_document()
    document["input"] = {"channels": 1, "height": 8, "width": 8}
    assert ModelCard.from_document(document).sizing == AUTO


def test_card_with_an_impossible_size_is_refused(trained: Trained) -> None:
    document = trained.card.as_document()
    document["input"]["image_size"] = 10**9
    with pytest.raises(DataError, match="Image size 1000000000"):
        ModelCard.from_document(document)
