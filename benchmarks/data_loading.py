"""How long a data set takes to load, and in how much memory: the first time and from the cache.

    python -m benchmarks.data_loading ../shared/data/fer2013/archive.zip --output

Each load runs in a process of its own, with a new AUTOML_HOME for each pair of a first and a cached load. Seconds
count the import of `automl.data.loading` and the load. Memory is the highest sum, over the process and those that
decode for it, of the proportional set size, sampled every 20 ms in runs that are not timed, less that before the load.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from benchmarks.machine import machine_line, spread

RESULT = Path(__file__).parent / "results" / "data_loading.md"
SAMPLE_SECONDS = 0.02
PACKAGES = ("numpy", "pillow", "joblib", "scikit-learn")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="+", help="name or path")
    parser.add_argument("-n", type=int, default=5, help="runs of each kind (5)")
    parser.add_argument("--output", action="store_true", help=f"also write {RESULT.name} into benchmarks/results")
    parser.add_argument("--child", choices=("time", "memory"), help=argparse.SUPPRESS)
    parser.add_argument("--home", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        measure = timed_load if options.child == "time" else weighed_load
        print(json.dumps(measure(options.data[0], options.home)))
        return
    load = os.getloadavg()[0]
    text = report({reference: measured(reference, options.n) for reference in options.data}, options.n, load)
    print(text)
    if options.output:
        RESULT.write_text(text, encoding="utf-8")


def timed_load(reference: str, home: Path) -> dict[str, float]:
    """Seconds from nothing imported to a data set."""
    started = time.perf_counter()
    from automl.data.loading import load_data_set

    data = load_data_set(reference, home=home)
    seconds = time.perf_counter() - started
    times = os.times()
    cpu_seconds = times.user + times.system + times.children_user + times.children_system
    return {"seconds": seconds, "cpu_seconds": cpu_seconds, "pixel_bytes": data.splits["train"].images_MHWC.nbytes}


def weighed_load(reference: str, home: Path) -> dict[str, float]:
    """Peak of the memory above that of the process before the load."""
    from automl.data.loading import load_data_set

    before = tree_bytes()
    peak = sampled_peak(lambda: load_data_set(reference, home=home))
    return {"peak_bytes": peak - before}


def sampled_peak(work: Callable[[], object]) -> int:
    """Run `work`; the highest memory seen meanwhile, bytes."""
    finished = threading.Event()
    samples = [tree_bytes()]

    def sample() -> None:
        while not finished.wait(SAMPLE_SECONDS):
            samples.append(tree_bytes())

    sampler = threading.Thread(target=sample)
    sampler.start()
    result = work()  # kept alive for the last sample
    samples.append(tree_bytes())
    finished.set()
    sampler.join()
    del result
    return max(samples)


def tree_bytes() -> int:
    """Memory of this process and those below it, shared pages counted once."""
    own = psutil.Process()
    total = 0
    for process in (own, *own.children(recursive=True)):
        try:
            total += process.memory_full_info().pss
        except (psutil.NoSuchProcess, psutil.ZombieProcess):
            continue  # it has just ended
    return total


def measured(reference: str, runs: int) -> dict[str, list[float]]:
    """Figures of all runs by their names."""
    figures: dict[str, list[float]] = {"pixel_bytes": []}
    for kind in ("time", "memory"):
        for _ in range(runs):
            with tempfile.TemporaryDirectory() as home:
                for visit in ("first", "cached"):
                    for name, value in child(kind, reference, home).items():
                        figures.setdefault(name if name == "pixel_bytes" else f"{visit} {name}", []).append(value)
    return figures


def child(kind: str, reference: str, home: str) -> dict[str, float]:
    """One load in a fresh process."""
    command = [sys.executable, "-m", "benchmarks.data_loading", reference, "--child", kind, "--home", home]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return {name: float(value) for name, value in json.loads(output).items()}


def report(results: dict[str, dict[str, list[float]]], runs: int, load: float) -> str:
    """A page of Markdown."""
    lines = [
        "# Loading data",
        "",
        machine_line(PACKAGES, n=runs, load=load),
        "",
        "| data | pixels | first load | its CPU time | from the cache | peak memory, first | peak memory, cached |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        *(row(Path(reference).name, figures) for reference, figures in results.items()),
        "",
        f"Made by `python -m benchmarks.data_loading {' '.join(results)} -n {runs} --output`. Seconds count the",
        "import of `automl.data.loading`; CPU time is that of the process and of those that decode for it.",
        "Memory is their proportional set size, the shared pixels included, above the process's own before the load.",
        "",
    ]
    return "\n".join(lines)


def row(name: str, figures: dict[str, list[float]]) -> str:
    cells = [
        name,
        f"{figures['pixel_bytes'][0] / 1e6:.1f} MB",
        spread(figures["first seconds"], 1, "s"),
        spread(figures["first cpu_seconds"], 1, "s"),
        spread(figures["cached seconds"], 1, "s"),
        spread(figures["first peak_bytes"], 1e6, "MB"),
        spread(figures["cached peak_bytes"], 1e6, "MB"),
    ]
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
