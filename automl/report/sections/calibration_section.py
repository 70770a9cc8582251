"""Section on the calibration of the best trial's probabilities."""

from __future__ import annotations

from automl.figures.images.reliability import reliability_diagram
from automl.figures.interactive.plotly_reliability import interactive_reliability
from automl.report.document import Paragraph, Picture, ReportTable, Section
from automl.report.winner import TestEvaluation, TestResults

EXPLANATION = (
    "The expected calibration error is the mean, over all images, of the gap between confidence and accuracy in 15 "
    "bins of equal width (Guo et al. 2017). The temperature divides the logits. It is fitted to the validation split "
    "and stored in exported models. It never changes which class is predicted."
)


def calibration_section(evaluation: TestEvaluation) -> tuple[Section, ...]:
    """Calibration errors before and after temperature scaling, and a reliability diagram; nothing without them."""
    test, validation = evaluation.test, evaluation.validation_calibration
    if test is None or validation is None:
        return ()
    tested = test.scores.calibration
    rows = (
        ("as trained", f"{validation.error_before:.4f}", f"{tested.error_before:.4f}"),
        (
            f"with the temperature {validation.temperature:.3f}",
            f"{validation.error_after:.4f}",
            f"{tested.error_after:.4f}",
        ),
    )
    table = ReportTable(("expected calibration error", "validation", "test"), rows, frozenset({1, 2}))
    return (Section("Calibration", (Paragraph(EXPLANATION), table, _diagram(test))),)


def _diagram(test: TestResults) -> Picture:
    bins = {"as trained": test.reliability_before, "with the temperature": test.reliability_after}
    return Picture(
        "reliability",
        "accuracy on the test split by confidence, the probability of the predicted class",
        reliability_diagram(bins),
        interactive_reliability(bins),
    )
