"""Names of studies: which are allowed, and the one of a study that was given none."""

from __future__ import annotations

from automl.errors import StudyError

LONGEST_NAME = 200
"""Length of a name in UTF-8, in bytes: a file system takes 255, and endings come behind it."""
FORBIDDEN = frozenset("/\\")
"""Letters that no name has: a report's folder is called like its study."""


def default_name(data: str, space: str, metric: str) -> str:
    """Name of a study that was given none: what it searches on, in what, for what."""
    name = f"{data}-{space}-{metric}".replace("_", "-")
    allowed = "".join(letter if letter.isprintable() and letter not in FORBIDDEN else "-" for letter in name)
    allowed = allowed.encode()[-LONGEST_NAME:].decode(errors="ignore")
    return allowed.strip(" .-")


def check_name(name: str) -> None:
    """Check a study's name, which becomes a folder's name and an argument of commands.

    Every way into a database asks here, and so does whoever makes a path of a name that a database has.

    Raises: StudyError if it cannot be either.
    """
    length = len(name.encode(errors="replace"))
    fits = name.isprintable() and name.strip() == name and 0 < length <= LONGEST_NAME
    if not fits or name.startswith((".", "-")) or not FORBIDDEN.isdisjoint(name):
        raise StudyError(
            f"No study can be called {name[:LONGEST_NAME]!r}: it takes 1 to {LONGEST_NAME} bytes of UTF-8 on one line, "
            "without / and \\, not beginning with . or -, without spaces at its ends. Choose another name."
        )
