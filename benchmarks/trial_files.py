"""How many files of the package one trial runs code in: a trial of two epochs on the digits, in a worker.

python -m benchmarks.trial_files [--list]
"""

from __future__ import annotations

import argparse
import contextlib
import inspect
import io
import sys
import tempfile
import threading
from pathlib import Path
from types import FrameType

import automl
from automl.cli.main import main as automl_main

PACKAGE = Path(automl.__file__).parent
STUDY = ("--data", "digits", "--space", "quick", "--epochs", "2", "--trials", "1")


def main() -> None:
    """Count the files, and list them by room where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--list", action="store_true", help="name the files")
    arguments = parser.parse_args()
    files = files_of_a_trial()
    total = sum(1 for file in PACKAGE.rglob("*.py") if file.name != "__init__.py")
    if arguments.list:
        for file in sorted(files):
            print(file)
    print(f"one trial runs code in {len(files)} of {total} files")


def files_of_a_trial() -> set[str]:
    """Files, relative to the package, in which a worker calls a function while it runs one trial."""
    seen: set[str] = set()

    def note(frame: FrameType, event: str, _argument: object) -> None:
        # Bodies of modules and classes run at the import alone.
        if event == "call" and frame.f_code.co_flags & inspect.CO_OPTIMIZED:
            seen.add(frame.f_code.co_filename)

    with tempfile.TemporaryDirectory(prefix="automl-files-") as folder:
        Path(folder).chmod(0o711)  # root's PostgreSQL runs as another user, who may then enter
        home = ("--home", str(Path(folder, "home")))
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            _run("create", "one", *STUDY, *home)
            threading.setprofile(note)
            sys.setprofile(note)
            _run("worker", "one", "--device", "cpu", *home)
            sys.setprofile(None)
            threading.setprofile(None)
    inside = (Path(name) for name in seen if Path(name).is_relative_to(PACKAGE))
    return {str(path.relative_to(PACKAGE)) for path in inside}


def _run(*words: str) -> None:
    code = automl_main(words)
    if code:
        raise SystemExit(f"automl {' '.join(words)} ended with {code}")


if __name__ == "__main__":
    main()
