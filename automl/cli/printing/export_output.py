"""What commands print of a model that they wrote."""

from __future__ import annotations

from automl.cli.output import write_line
from automl.export.export_result import EnsembleResult, ExportResult
from automl.metrics import Calibration


def describe_calibration(found: Calibration) -> str:
    """`calibration error 0.0120 with temperature 1.420, 0.0312 without`."""
    return (
        f"calibration error {found.error_after:.4f} with temperature {found.temperature:.3f}, "
        f"{found.error_before:.4f} without"
    )


def print_exported(exported: ExportResult) -> None:
    """Where the model is, and how it did on the test split."""
    if exported.test is not None:
        low, high = exported.test.accuracy_interval
        write_line(
            f"  test accuracy {exported.test.accuracy:.4f} (95 % interval {low:.3f} to {high:.3f}, "
            f"{exported.test.images:,} images), macro F1 {exported.test.macro_f1:.4f}"
        )
        write_line(f"  test {describe_calibration(exported.test.calibration)}")
    if exported.decision is not None:
        write_line(f"  {exported.decision.sentence}")
    if exported.ensemble is not None:
        print_ensemble(exported.ensemble)
    for warning in exported.warnings:
        write_line(f"  {warning}")
    compared = exported.comparison
    write_line(f"model  {exported.path} ({exported.path.stat().st_size / 1e6:.1f} MB)")
    images = "images of noise" if compared.of == "noise" else f"{compared.of} images"
    write_line(
        f"  run from the file, its probabilities differ by at most {compared.largest_difference:.2g} from those of the "
        f"model in memory ({compared.images:,} {images})"
    )
    write_line(f"card   {exported.card}")


def print_ensemble(ensemble: EnsembleResult) -> None:
    """The members of the ensemble, its gain over the best trial alone, and its cost."""
    together, alone = ensemble.together, ensemble.alone
    members = ", ".join(f"trial {number} ({share:.0%})" for number, share in ensemble.shares.items())
    mirrored = ", each image averaged with its mirror image" if ensemble.tta else ""
    write_line(f"  members  {members}{mirrored}; compared with trial {ensemble.alone_trial} alone:")
    gains = [
        f"{split} {found:.4f} instead of {before:.4f}"
        for split, found, before in (
            ("validation", together.validation, alone.validation),
            ("test", together.test, alone.test),
        )
        if found is not None and before is not None
    ]
    metric = ensemble.metric.replace("_", " ")
    write_line(f"  gain     {metric}, chosen on validation: {', '.join(gains) or 'unknown'}")
    write_line(
        f"  cost     {together.parameters:,} parameters instead of {alone.parameters:,}, "
        f"{together.milliseconds:.3g} ms an image instead of {alone.milliseconds:.3g} ({ensemble.device})"
    )
