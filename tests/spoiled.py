"""Modules of the current folder that are named like others, and end whoever imports them."""

from __future__ import annotations

from pathlib import Path

NAMES = ("random", "queue", "select", "copy", "inspect", "logging", "platform", "token", "optuna", "joblib")
SPOILER = "raise SystemExit(f'{__file__} was imported')"


def spoil(folder: Path) -> None:
    """Write them there."""
    for name in NAMES:
        (folder / f"{name}.py").write_text(SPOILER)
