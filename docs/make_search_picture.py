"""The README's picture of a search as it runs, from a real run: python docs/make_search_picture.py [--output SVG].

The command below runs in a temporary folder. Each line of its output appears in the picture at the time at which it was
printed, in a time lapse of `SHOWN_SECONDS`. A viewer without animations shows the whole output.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

COMMAND = "automl search --data digits --space quick --trials 12 --workers 2 --export model.pt"
SHOWN_FOLDER = "~/demo"
"""Stands for the temporary folder in the picture."""
COLUMNS = 112
SHOWN_SECONDS = 15
STYLES = (
    (re.compile(r"^\$ "), "bold"),
    (re.compile(r"^\[\d+/\d+\].* pruned "), "dim"),
    (re.compile(r"best so far$"), "green"),
    (re.compile(r"^ +test accuracy"), "bold"),
)


@dataclass(frozen=True)
class Line:
    """One line of output."""

    seconds: float
    """Since the start of the command, in seconds."""
    text: str


def main() -> None:
    """Run the search, then draw it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "images" / "search_running.svg")
    arguments = parser.parse_args()
    lines = run_search()
    arguments.output.write_text(draw(lines), "utf-8")
    sys.stdout.write(f"{arguments.output}: {len(lines)} lines in {lines[-1].seconds:.0f} s\n")


def run_search() -> list[Line]:
    """Every line that the command prints, with its time."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        folder.chmod(0o711)  # root's PostgreSQL runs as another user, who may then enter
        path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("AUTOML_", "WANDB_"))}
        environment |= {"PATH": path, "WANDB_MODE": "offline", "PYTHONUNBUFFERED": "1"}
        started = time.monotonic()
        with subprocess.Popen(
            shlex.split(COMMAND),
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            assert process.stdout is not None
            lines = [Line(time.monotonic() - started, text.rstrip("\n")) for text in process.stdout]
        if process.returncode:
            raise SystemExit("\n".join(line.text for line in lines))
        return [Line(line.seconds, line.text.replace(str(folder), SHOWN_FOLDER)) for line in lines]


def draw(lines: list[Line]) -> str:
    """Animated SVG of a terminal."""
    shown = [row for line in (Line(0, f"$ {COMMAND}"), *lines) for row in _wrapped(line)]
    console = Console(record=True, width=COLUMNS, file=Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115
    for row in shown:
        style = next((style for pattern, style in STYLES if pattern.search(row.text)), "")
        console.print(Text(row.text, style=style), overflow="ignore", no_wrap=True)
    picture = console.export_svg(title="automl", code_format=_local_fonts(CONSOLE_SVG_FORMAT), unique_id="search")
    return _animated(picture, [row.seconds / lines[-1].seconds * SHOWN_SECONDS for row in shown])


def _wrapped(line: Line) -> list[Line]:
    rows = Text(line.text).wrap(Console(width=COLUMNS), COLUMNS) or [Text("")]
    return [Line(line.seconds, row.plain.rstrip()) for row in rows]


def _local_fonts(code_format: str) -> str:
    """Rich's format without the font that a browser would fetch from elsewhere."""
    own = re.sub(r"@font-face \{\{.*?\}\}\s*", "", code_format, flags=re.S)
    return own.replace("Fira Code", "ui-monospace, SFMono-Regular, Menlo, Consolas")


def _animated(picture: str, starts: list[float]) -> str:
    """Let each row appear at its time, for those who want motion."""
    style = "@keyframes appear { from { visibility: hidden } } .row { animation: appear steps(1, end) both }"
    still = "@media (prefers-reduced-motion: reduce) { .row { animation: none } }"
    picture = picture.replace("<style>", f"<style>\n    {style}\n    {still}\n", 1)

    def timed(found: re.Match[str]) -> str:
        start = starts[int(found["row"])]
        return f'{found[0]} style="animation-duration:{max(start, 0.001):.2f}s"'.replace('class="', 'class="row ', 1)

    return re.sub(r'<text class="[^>]*?clip-path="url\(#search-line-(?P<row>\d+)\)"', timed, picture)


if __name__ == "__main__":
    main()
