"""The evaluation of an exported model on a split of some data."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from automl.data.loading import load_data_set
from automl.data.pixel_range import SIXTEEN_BITS
from automl.data.split_names import SplitName
from automl.export.model_file import load_model
from automl.export.test_evaluation import SplitEvaluation, evaluate
from automl.settings import Settings
from automl.tracking.wandb_models import PREFIX, fetch_model


def evaluate_file(
    file: str,
    reference: str,
    split: SplitName,
    *,
    settings: Settings,
    home: Path,
    split_seed: int | None = None,
    model: str | None = None,
    device: str = "auto",
) -> SplitEvaluation:
    """Evaluate the model in `file`, which may be with wandb, on one split of the data.

    `split_seed`: seed of splits that are cut; None: that of the model's training.

    Raises: ModelFileError, DataError or SettingsError for a file, data or a wandb artifact that cannot be used.
    """
    with _on_disk(file, settings) as path:
        loaded = load_model(path, device=device, model=model)
    card = loaded.card
    data = load_data_set(
        reference,
        home=home,
        splits=(split,),
        split_seed=card.provenance.split_seed if split_seed is None else split_seed,
        sizing=card.sizing,
        pixel_range=card.pixel_range or SIXTEEN_BITS,
    )
    return evaluate(loaded, data, split)


@contextmanager
def _on_disk(file: str, settings: Settings) -> Iterator[Path]:
    """The model's file, which may have to be fetched from wandb first."""
    if not file.startswith(PREFIX):
        yield Path(file)
        return
    with tempfile.TemporaryDirectory(prefix="automl-") as folder:
        yield fetch_model(file, Path(folder), environment=settings.values)
