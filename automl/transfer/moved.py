"""What a copy, a backup or a restoration moved. It imports next to nothing, because the command line describes it."""

from __future__ import annotations

from dataclasses import dataclass

from automl.sanitize import shell_word


@dataclass(frozen=True)
class MovedStudy:
    """What was copied, backed up or restored."""

    study: str
    trials: int
    """Number of trials in any state."""
    interrupted: int
    """Number of trials that were not finished. They wait in the copy."""
    files: int
    """Number of files that were moved."""
    missing: int
    """Number of files that were recorded and not found."""
    untrusted: str = ""
    """Options that let it import the code that it names; empty: it names none, or may import it."""

    def describe(self) -> str:
        """Counts, and what became of unfinished trials and of files that were not found."""
        text = f"{self.trials} trials, {self.files} files"
        if self.interrupted:
            text += f"; {self.interrupted} unfinished trials wait in it, and go on from their last checkpoint"
        if self.missing:
            text += f"; {self.missing} files were recorded and not found"
        if self.untrusted:
            text += f"; it imports no code of its own until you let it: automl worker {shell_word(self.study)} "
            text += self.untrusted
        return text
