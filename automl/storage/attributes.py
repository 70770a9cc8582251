"""Names of the attributes in Optuna's tables that automl writes; they are stored data, and never change.

Optuna keeps attributes of two kinds beside a study and a trial: the user's, and the system's.
"""

from __future__ import annotations

SPECIFICATION_ATTRIBUTE = "automl:specification"
"""User attribute of a study: its specification."""
UID_ATTRIBUTE = "automl:uid"
"""System attribute of a renamed study: the unique name that it was created with."""
NOTE_VERSION_ATTRIBUTE = "automl:note_ver"
"""System attribute of a study: version of its note that automl wrote last. A note of another version is a user's."""

RECIPE_ATTRIBUTE = "recipe"
"""User attribute of a trial: its whole recipe."""
EPOCHS_ATTRIBUTE = "epochs"
"""User attribute of a trial: number of planned epochs."""
MILLISECONDS_ATTRIBUTE = "milliseconds"
"""User attribute of a trial: time that its network takes for one image on its worker, in milliseconds."""
CALIBRATED_ATTRIBUTE = "calibrated"
"""User attribute of a trial: validation metrics before and after temperature scaling."""
BEGAN_AGAIN_ATTRIBUTE = "began_again"
"""User attribute of a trial: sentence that says why an attempt began from its first epoch."""
MICRO_BATCH_ATTRIBUTE = "micro_batch"
"""User attribute of a trial: images of a micro batch on its worker."""
CONFIRMS_ATTRIBUTE = "confirms"
"""User attribute of a trial: number and value of the search's trial that it repeats, and the seed's index."""
PHASE_ATTRIBUTE = "phase"
"""User attribute of a trial: `final` if it is a final training; absent: a trial of the search."""
FINAL = "final"
"""Value of PHASE_ATTRIBUTE."""
REPEATS_ATTRIBUTE = "repeats"
"""User attribute of a final training: number, value and epochs of the trial whose recipe it repeats, and its seed's
index."""
SHORTENED_ATTRIBUTE = "shortened"
"""User attribute of a trial: number of epochs that its recipe had planned, where it was given fewer to end in time."""
CUT_SHORT_ATTRIBUTE = "cut_short"
"""User attribute of a complete trial: sentence that says why it ended before its last epoch."""
NEEDS_SECONDS_ATTRIBUTE = "needs_seconds"
"""User attribute of a waiting trial that did not fit: time left with which it is worth a start, in seconds."""
IMPORTED_FROM_ATTRIBUTE = "carried_from"
"""User attribute of a trial: its origin in another study, `old-study/7`."""

UNPUBLISHED_ATTRIBUTE = "automl:unpublished"
"""System attribute of a trial, from its end until note and pictures are stored: its confusion matrix."""
ARTIFACT_PREFIX = "artifacts:"
"""First part of the system attributes that name files, as Optuna has it."""
