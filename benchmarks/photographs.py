"""How long photographs take to decode, and in how much memory of the process that waits for it, however many they are.

    python -m benchmarks.photographs 10000 100000 --output

JPEGs of 20 to 1,000 pixels a side, most of them small, are written into a temporary folder. Each decoding runs in a
process of its own. Memory is anonymous memory (`Pss_Anon`), sampled every 50 ms: pixels are in a mapped file, whose
pages the kernel takes back when it needs them. An interrupted decoding is killed at half, and started again.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import psutil
from PIL import Image

from benchmarks.machine import machine_line, spread

RESULT = Path(__file__).parent / "results" / "photographs.md"
SAMPLE_SECONDS = 0.05
PACKAGES = ("numpy", "pillow", "joblib")
CLASSES = 10
DIFFERENT = 200
"""Pictures; the files are copies of them, as each is decoded by itself anyway."""
LONGEST_SIDE = 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("counts", nargs="*", type=int, default=[10_000, 100_000], help="photographs (10000 100000)")
    parser.add_argument("-n", type=int, default=3, help="runs of each (3)")
    parser.add_argument("--output", action="store_true", help=f"also write {RESULT.name} into benchmarks/results")
    parser.add_argument("--child", nargs=2, type=Path, metavar=("PHOTOGRAPHS", "HOME"), help=argparse.SUPPRESS)
    parser.add_argument("--kill-at", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(decoded(*options.child, kill_at=options.kill_at)))
        return
    load = os.getloadavg()[0]
    text = report({count: measured(count, options.n) for count in options.counts}, options.n, load)
    print(text)
    if options.output:
        RESULT.write_text(text, encoding="utf-8")


def write_photographs(folder: Path, count: int) -> None:
    """Smooth pictures of many sizes, in class folders."""
    random = np.random.default_rng(0)
    pictures = [picture(random) for _ in range(DIFFERENT)]
    for label in range(CLASSES):
        (folder / f"class {label}").mkdir(parents=True)
    for number in range(count):
        path = folder / f"class {number % CLASSES}" / f"{number:06}.jpg"
        path.write_bytes(pictures[number % DIFFERENT])


def picture(random: np.random.Generator) -> bytes:
    """A JPEG whose sides are 20 to LONGEST_SIDE pixels."""
    width, height = (int(side) for side in 20 * (LONGEST_SIDE / 20) ** random.random(2))
    blots = Image.fromarray(random.integers(0, 256, (8, 8, 3), dtype=np.uint8))
    buffer = io.BytesIO()
    blots.resize((width, height), Image.Resampling.BICUBIC).save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


def decoded(folder: Path, home: Path, *, kill_at: int | None) -> dict[str, float]:
    """Seconds, anonymous memory and images of one load; this process kills itself once `kill_at` images are done."""
    from automl.data.loading import load_data_set

    heard: list[int] = []

    def on_progress(done: int, _total: int) -> None:
        heard.append(done)
        if kill_at is not None and done >= kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    started = time.perf_counter()
    own_bytes, all_bytes = peaks(lambda: load_data_set(str(folder), home=home, on_progress=on_progress))
    seconds = time.perf_counter() - started
    images = heard[-1] - heard[0] if heard else 0
    return {"seconds": seconds, "images": images, "own_bytes": own_bytes, "all_bytes": all_bytes}


def peaks(work: Callable[[], object]) -> tuple[int, int]:
    """Run `work`; the most that this process held meanwhile, and the most of it with its decoders, bytes."""
    finished = threading.Event()
    samples = [anonymous_bytes()]

    def sample() -> None:
        while not finished.wait(SAMPLE_SECONDS):
            samples.append(anonymous_bytes())

    sampler = threading.Thread(target=sample)
    sampler.start()
    result = work()  # kept alive for the last sample
    samples.append(anonymous_bytes())
    finished.set()
    sampler.join()
    del result
    return max(own for own, _ in samples), max(both for _, both in samples)


def anonymous_bytes() -> tuple[int, int]:
    """Of this process, and of it and those below it."""
    own = anonymous_of(os.getpid())
    return own, own + sum(anonymous_of(child.pid) for child in psutil.Process().children(recursive=True))


def anonymous_of(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0  # it has just ended
    kilobytes = [int(line.split()[1]) for line in lines if line.startswith("Pss_Anon:")]
    return 1024 * sum(kilobytes)


def measured(count: int, runs: int) -> dict[str, list[float]]:
    """Figures of all runs by their names."""
    figures: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        folder, home = Path(scratch) / "photographs", Path(scratch) / "home"
        write_photographs(folder, count)
        for _ in range(runs):
            for name, value in (child(folder, home) or {}).items():
                figures.setdefault(name, []).append(value)
            shutil.rmtree(home)
            assert child(folder, home, "--kill-at", str(count // 2)) is None
            figures.setdefault("images after a kill", []).append((child(folder, home) or {})["images"])
            shutil.rmtree(home)
    return figures


def child(folder: Path, home: Path, *options: str) -> dict[str, float] | None:
    """One load in a fresh process; None if it was killed."""
    command = [sys.executable, "-m", "benchmarks.photographs", "--child", str(folder), str(home), *options]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode == -signal.SIGKILL:
        return None
    done.check_returncode()
    return {name: float(value) for name, value in json.loads(done.stdout).items()}


def report(results: dict[int, dict[str, list[float]]], runs: int, load: float) -> str:
    """A page of Markdown."""
    columns = (
        "photographs",
        "first load",
        "memory of the process",
        "with its decoders",
        "decoded after a kill at half",
    )
    lines = [
        "# Decoding photographs",
        "",
        machine_line(PACKAGES, n=runs, load=load),
        "",
        f"| {' | '.join(columns)} |",
        f"|{' --- |' * len(columns)}",
        *(row(count, figures) for count, figures in results.items()),
        "",
        f"Made by `python -m benchmarks.photographs {' '.join(map(str, results))} -n {runs} --output`: JPEGs of 20 to",
        f"{LONGEST_SIDE:,} pixels a side in {CLASSES} classes, brought to their median size. Memory is the peak of",
        "anonymous memory; pixels are in a mapped file, whose pages the kernel takes back when it needs them.",
        "",
    ]
    return "\n".join(lines)


def row(count: int, figures: dict[str, list[float]]) -> str:
    cells: Sequence[str] = (
        f"{count:,}",
        spread(figures["seconds"], 1, "s"),
        spread(figures["own_bytes"], 1e6, "MB"),
        spread(figures["all_bytes"], 1e6, "MB"),
        spread(figures["images after a kill"], 1, "images"),
    )
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
