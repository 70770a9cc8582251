"""What a contender leaves behind."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass
class Record:
    """What one contender found on one set of images, and when."""

    improvements: list[tuple[float, float]] = field(default_factory=list)
    """Seconds since the command, and the validation value of the best model that could be exported then."""
    trials: int = 0
    seconds: float = 0.0
    """From the command to the exported file."""
    test: float | None = None
    """The metric on the test split, which is read once, at the end."""
    winner: str = ""
    """Origin of the exported model, in words."""
    lost_share: float | None = None
    """Share of the workers' time that went into trials that leave nothing."""

    def note(self, seconds: float, value: float) -> None:
        """Remember a model if it is better than those before it."""
        if not self.improvements or value > self.improvements[-1][1]:
            self.improvements.append((seconds, value))

    def best_at(self, seconds: float) -> float | None:
        """Validation value of the best model at that time, or None before the first."""
        return max((value for at, value in self.improvements if at <= seconds), default=None)

    def write(self, path: Path) -> None:
        """As JSON."""
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Record:
        """Read back what `write` wrote."""
        document = json.loads(path.read_text("utf-8"))
        return cls(**document | {"improvements": [(at, value) for at, value in document["improvements"]]})
