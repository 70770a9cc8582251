"""Section on the winner's probabilities: how far they can be believed."""

from __future__ import annotations

from automl.figures.images.reliability import reliability_diagram
from automl.figures.interactive.reliability import interactive_reliability
from automl.report.document import Paragraph, Picture, Section, Table
from automl.report.winner import Examination, OnTest

WHAT = (
    "The expected calibration error is the mean, over all images, of the gap between the probability of the predicted "
    "class and the share of such predictions that is right, in 15 bins of equal width (Guo et al. 2017). The "
    "temperature divides the logits. It is chosen on the validation split and stored in exported models; it never "
    "changes which class is predicted."
)


def how_honest(examination: Examination) -> tuple[Section, ...]:
    """The errors before and after the temperature, and the reliability diagram of the test split; or nothing."""
    test, validation = examination.test, examination.validation_calibration
    if test is None or validation is None:
        return ()
    tested = test.evaluation.calibration
    rows = (
        ("as trained", f"{validation.error_before:.4f}", f"{tested.error_before:.4f}"),
        (
            f"with the temperature {validation.temperature:.3f}",
            f"{validation.error_after:.4f}",
            f"{tested.error_after:.4f}",
        ),
    )
    table = Table(("expected calibration error", "validation", "test"), rows, frozenset({1, 2}))
    return (Section("How far its probabilities can be believed", (Paragraph(WHAT), table, _diagram(test))),)


def _diagram(test: OnTest) -> Picture:
    bins = {"as trained": test.reliability_before, "with the temperature": test.reliability_after}
    return Picture(
        "reliability",
        "share of the test split's images that is right, by the probability of the predicted class",
        reliability_diagram(bins),
        interactive_reliability(bins),
    )
