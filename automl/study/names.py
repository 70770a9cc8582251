"""Names of studies: which are allowed, and the one of a study that was given none."""

from __future__ import annotations

from automl.errors import StudyError

LONGEST_NAME = 200
FORBIDDEN = frozenset("/\\")
"""Letters that no name has: a report's folder is called like its study."""


def default_name(data: str, space: str, metric: str) -> str:
    """Name of a study that was given none: what it searches on, in what, for what."""
    name = f"{data}-{space}-{metric}".replace("_", "-")[-LONGEST_NAME:]
    allowed = "".join(letter if letter.isprintable() and letter not in FORBIDDEN else "-" for letter in name)
    return allowed.strip(" .-")


def check_name(name: str) -> None:
    """Check a new study's name, which becomes a folder's name and an argument of commands.

    Raises: StudyError if it cannot be either.
    """
    fits = name.isprintable() and name.strip() == name and 0 < len(name) <= LONGEST_NAME
    if not fits or name.startswith((".", "-")) or not FORBIDDEN.isdisjoint(name):
        raise StudyError(
            f"No study can be called {name[:LONGEST_NAME]!r}: it takes 1 to {LONGEST_NAME} characters on one line, "
            "without / and \\, not beginning with . or -, without spaces at its ends. Choose another name."
        )
