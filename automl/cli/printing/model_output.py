"""What commands about models print; imported only where torch is loaded anyway."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Mapping, Sequence

from automl.application.console import TextTable
from automl.cli.output import print_rows, print_stderr, writing
from automl.cli.printing.export_output import describe_calibration
from automl.cli.printing.tables import print_table
from automl.export.prediction.model import Model, Prediction
from automl.export.prediction.predicting import FilePredictions, listed
from automl.export.test_evaluation import SplitEvaluation
from automl.sanitize import csv_text


def print_evaluation(found: SplitEvaluation) -> None:
    """Figures of a model on a split, and of each class."""
    low, high = found.accuracy_interval
    print_rows(
        {
            "split": f"{found.split}, {found.n:,} images",
            "accuracy": f"{found.accuracy:.4f} (95 % interval {low:.3f} to {high:.3f})",
            "macro F1": f"{found.macro_f1:.4f}",
            "balanced": f"{found.balanced_accuracy:.4f}",
            "loss": f"{found.loss:.4f}",
            "calibration": describe_calibration(found.calibration).removeprefix("calibration "),
        }
    )
    table = TextTable(box=None, pad_edge=False)
    for title in ("class", "precision", "recall", "F1", "images"):
        table.add_column(title, justify="left" if title == "class" else "right")
    for row in found.classes:
        table.add_row(row.name, f"{row.precision:.3f}", f"{row.recall:.3f}", f"{row.f1:.3f}", f"{row.support:,}")
    print_table(table)


def print_predictions(predictions: Mapping[str, Prediction]) -> None:
    """One line an image: its class, then the most probable others."""
    table = TextTable(box=None, pad_edge=False)
    for title in ("image", "class", "probability", "then"):
        table.add_column(title, justify="right" if title == "probability" else "left")
    for image, prediction in predictions.items():
        others = sorted(prediction.probabilities.items(), key=lambda item: -item[1])[1:3]
        then = ", ".join(f"{name} {probability:.3f}" for name, probability in others)
        table.add_row(image, prediction.label, f"{prediction.probability:.3f}", then)
    print_table(table)


def print_prediction_csv(predictions: Mapping[str, Prediction], classes: Sequence[str]) -> None:
    """One row an image: its class, and the probability of each class."""
    head = ("image", "label", "probability", *(f"probability_{name}" for name in classes))
    rows = (
        (image, found.label, found.probability, *(found.probabilities[name] for name in classes))
        for image, found in predictions.items()
    )
    _print_csv((head, *rows))


def print_image_notes(found: FilePredictions, model: Model) -> None:
    """What was done to the images, and which were left out."""
    if found.converted:
        shape = " × ".join(map(str, model.card.image_shape))
        print_stderr(
            f"{found.converted:,} of {len(found.predictions):,} images have another size or colour than the model's "
            f"{shape} and were converted ({model.card.sizing.fit})"
        )
    if found.unreadable:
        print_stderr(f"left out, being unreadable ({len(found.unreadable):,}): {listed(found.unreadable)}")


def _print_csv(rows: Iterable[Iterable[object]]) -> None:
    """Rows of comma-separated values; no text in them is a formula to a spreadsheet."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    with writing():
        for row in rows:
            writer.writerow([csv_text(value) if isinstance(value, str) else value for value in row])
