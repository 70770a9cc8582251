"""One encoding for all names, UTF-8, whatever the locale says: a name that is stored means the same everywhere."""

from __future__ import annotations

import os
import sys

from automl.errors import SettingsError


def restart_in_utf8() -> None:
    """Begin this command line again in Python's UTF-8 mode where the locale's encoding is another; else return.

    Names then are UTF-8 as they are on disk, and as workers on other machines read them. What is printed keeps to the
    locale's characters.
    """
    again = os.environ.get("PYTHONUTF8") == "1"  # and an option of the interpreter forbids it
    if sys.getfilesystemencoding() == "utf-8" or not sys.executable or again:
        return
    os.environ["PYTHONUTF8"] = "1"
    if sys.stdout is not None:
        os.environ.setdefault("PYTHONIOENCODING", f"{sys.stdout.encoding}:backslashreplace")
    os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])  # noqa: S606 – the same program


def check_names(*names: object) -> None:
    """Refuse names beyond ASCII where this process reads them in another encoding than its workers, UTF-8.

    Raises: SettingsError.
    """
    encoding = sys.getfilesystemencoding()
    foreign = [str(name) for name in names if not str(name).isascii()]
    if encoding != "utf-8" and foreign:
        raise SettingsError(
            f"{foreign[0]!r} cannot be kept: this Python reads names in {encoding} instead of UTF-8. "
            "Start it with PYTHONUTF8=1, or in a locale such as C.UTF-8."
        )
