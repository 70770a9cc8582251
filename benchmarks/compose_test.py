"""The service for real: an image, four workers on CPUs, three faults, and at the end every trial accounted for.

    python -m benchmarks.compose_test --output

It works in a temporary folder under a project name of its own, on free ports, and takes everything down again but the
image. Each line says what was done, what was found, and after how many seconds; the first wrong finding ends the run.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.compose_checks import check_dashboard, check_hardening, check_secrets
from benchmarks.compose_service import PASSWORDS, ROOT, Service, engine_version, prepared_service
from benchmarks.machine import hardware

RESULT = Path(__file__).parent / "results" / "compose.md"
WORKERS = 4
TRIALS = 24
MORE_TRIALS = 26


@dataclass
class Protocol:
    """What was done and found, printed as it happens."""

    started: float = field(default_factory=time.monotonic)
    rows: list[tuple[str, str, float]] = field(default_factory=list)

    def note(self, step: str, found: str) -> None:
        """Add a line."""
        self.rows.append((step, found, time.monotonic() - self.started))
        print(f"{self.rows[-1][2]:6.0f} s  {step}: {found}", flush=True)

    def page(self, service: Service) -> str:
        """A page of Markdown."""
        versions = service.image_versions()
        return "\n".join(
            [
                "# docker compose",
                "",
                f"{hardware()}; {platform.system()} {platform.release()}, Docker {engine_version()}, "
                f"{versions}; {datetime.now(tz=UTC):%Y-%m-%d}; one run.",
                "",
                "| after | what was done | what was found |",
                "| ---: | --- | --- |",
                *(f"| {seconds:.0f} s | {step} | {found} |" for step, found, seconds in self.rows),
                "",
                "Made by `make compose-test`.",
                "",
            ]
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", action="store_true", help=f"also write {RESULT.name} into benchmarks/results")
    parser.add_argument("--fresh", action="store_true", help="build the image from nothing, to time it")
    options = parser.parse_args()
    if engine_version() is None:
        sys.exit("compose-test: there is no Docker engine here that answers, so nothing was tested (docker info).")
    protocol = Protocol()
    build(protocol, fresh=options.fresh)
    with prepared_service(trials=TRIALS) as service, reported_failure(service):
        run(service, protocol)
        if options.output:
            RESULT.write_text(protocol.page(service), encoding="utf-8")
            print(f"written to {RESULT}")


@contextmanager
def reported_failure(service: Service) -> Iterator[None]:
    """Print the service's logs if the block fails."""
    try:
        yield
    except BaseException:
        print(service.compose("logs", "--no-color", "--tail", "60", check=False), file=sys.stderr)
        raise


def run(service: Service, protocol: Protocol) -> None:
    """One search with all its faults."""
    start(service, protocol)
    kill_inside(service, protocol)
    killed, trial = kill_container(service, protocol)
    restart_database(service, protocol)
    check_end(service, protocol, killed=killed, trial=trial)
    protocol.note("the dashboard's page, API and DELETE", check_dashboard(service))
    protocol.note("containers inspected", check_hardening(service))
    check_exports(service, protocol)
    raise_budget(service, protocol)
    protocol.note(
        "both passwords looked for in logs, processes, database, wandb and artifacts", check_secrets(service, PASSWORDS)
    )
    service.compose("down", "--volumes")
    left = service.compose("ps", "--all", "--quiet")
    assert left == "", left
    protocol.note("`docker compose down --volumes`", "no container is left")


def build(protocol: Protocol, *, fresh: bool) -> None:
    """Build the image, from nothing if `fresh`, then once more with a changed source."""
    began = time.monotonic()
    fresh_only = ["--no-cache"] if fresh else []
    subprocess.run(["docker", "compose", "build", "--quiet", *fresh_only, "worker"], cwd=ROOT, check=True)
    seconds = time.monotonic() - began
    layers, size_bytes = image("optuna-automl")
    protocol.note(f"`docker compose build{' --no-cache' * fresh}`", f"{seconds:.0f} s, {size_bytes / 1e9:.2f} GB")
    with tempfile.TemporaryDirectory() as folder:
        copy_context(Path(folder))
        began = time.monotonic()
        subprocess.run(
            ["docker", "build", "--quiet", *python_image(), "--tag", "optuna-automl:changed", folder],
            check=True,
            stdout=subprocess.DEVNULL,
        )
    seconds = time.monotonic() - began
    changed, _ = image("optuna-automl:changed")
    subprocess.run(["docker", "image", "rm", "optuna-automl:changed"], check=True, stdout=subprocess.DEVNULL)
    kept = sum(1 for one, other in zip(layers, changed, strict=True) if one == other)
    assert kept >= len(layers) - 2, (layers, changed)
    protocol.note("the same with a changed source", f"{seconds:.0f} s, {kept} of {len(layers)} layers kept")


def python_image() -> list[str]:
    """Option of `docker build` for the image that AUTOML_PYTHON_IMAGE names, if it does."""
    named = os.environ.get("AUTOML_PYTHON_IMAGE")
    return [] if named is None else ["--build-arg", f"PYTHON_IMAGE={named}"]


def copy_context(folder: Path) -> None:
    """What a build reads, with one more line of source."""
    for name in ("automl", "search_spaces"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("Dockerfile", ".dockerignore", "pyproject.toml", "constraints.txt", "README.md", "LICENSE"):
        shutil.copy2(ROOT / name, folder)
    with (folder / "automl" / "errors.py").open("a") as source:
        source.write(f"# changed at {time.time_ns()}\n")


def image(name: str) -> tuple[list[str], int]:
    """Layers of an image, the base's first, and its size, bytes."""
    output = subprocess.run(["docker", "image", "inspect", name], check=True, capture_output=True, text=True).stdout
    found = json.loads(output)[0]
    return found["RootFS"]["Layers"], found["Size"]


def start(service: Service, protocol: Protocol) -> None:
    """Start four workers."""
    service.compose("up", "--detach", "--no-build", "--scale", f"worker={WORKERS}")
    protocol.note(f"`docker compose up --detach --scale worker={WORKERS}`", "postgres healthy, setup done")
    status = service.wait(lambda status: len(status["workers"]) == WORKERS, seconds=300)
    connections = service.sql("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'automl%'")
    protocol.note(
        "`automl status` on the host, without any setting",
        f"{len(status['workers'])} workers at work, {connections} connections of theirs",
    )


def kill_inside(service: Service, protocol: Protocol) -> None:
    """SIGKILL one worker's process: its container starts it again."""
    status = service.wait(lambda status: status["finished"] >= 2 and status["running"])
    host = service.host_of(status["running"][0]["worker"], status)
    restarts = service.restarts(host)
    service.docker("exec", host, "sh", "-c", "kill -9 $(cat /proc/1/task/1/children)")
    service.until(lambda: service.restarts(host) == restarts + 1)
    highest = max(worker["ordinal"] for worker in status["workers"])
    again = service.wait(lambda now: any(w["host"] == host and w["ordinal"] > highest for w in now["workers"]))
    ordinal = max(worker["ordinal"] for worker in again["workers"] if worker["host"] == host)
    protocol.note(
        f"SIGKILL to a worker's process after {status['finished']} trials",
        f"its container started it again, as worker {ordinal}",
    )


def kill_container(service: Service, protocol: Protocol) -> tuple[str, int]:
    """Kill one worker's container; returns its name for the host and the trial that it held."""
    status = service.wait(lambda status: status["finished"] >= 4 and status["running"])
    trial = status["running"][-1]
    host = service.host_of(trial["worker"], status)
    service.docker("kill", host)
    protocol.note(f"`docker kill` of a worker after {status['finished']} trials", f"it held trial {trial['number']}")
    return host, trial["number"]


def restart_database(service: Service, protocol: Protocol) -> None:
    """Restart PostgreSQL in mid-search."""
    status = service.wait(lambda status: status["finished"] >= 8 and status["running"])
    service.compose("restart", "postgres")
    service.until(lambda: service.try_status() is not None)
    protocol.note(
        f"`docker compose restart postgres` after {status['finished']} trials",
        f"{len(status['running'])} trials were running",
    )


def check_end(service: Service, protocol: Protocol, *, killed: str, trial: int) -> None:
    """Wait for the last worker; every trial of the budget is finished, once."""
    service.until(lambda: not service.running_workers(), seconds=900)
    status = service.status()
    assert status["finished"] == TRIALS, status
    assert not status["running"], status
    assert not status["waiting"], status
    codes = service.exit_codes()
    assert sorted(codes.values()) == [0] * (WORKERS - 1) + [137], codes
    assert codes[killed] == 137, codes
    restarts = sum(one["RestartCount"] for one in service.containers("worker"))
    assert restarts == 1, restarts  # the fault inside alone: the database's restart ended no worker
    protocol.note(
        "the search ended by itself",
        f"{TRIALS} trials asked, {TRIALS} finished: {status['complete']} complete, {status['pruned']} pruned, "
        f"{status['failed']} failed; {WORKERS - 1} workers ended with 0, the killed one stayed down",
    )
    handed_over = service.sql("SELECT count(*) FROM automl_trials WHERE attempt > 0")
    attempts = service.sql(f"SELECT attempt FROM automl_trials JOIN trials USING (trial_id) WHERE number = {trial}")
    twice = service.sql(
        "SELECT count(*) FROM trials JOIN automl_trials AS c USING (trial_id) WHERE state = 'COMPLETE' AND c.epochs <> "
        "(SELECT count(*) FROM automl_epochs AS e WHERE e.trial_id = trials.trial_id)"
    )
    assert status["failed"] == 0, status
    assert int(attempts) >= 1, attempts
    assert twice == "0", twice
    protocol.note(
        "trials that lost their worker",
        f"{handed_over} were reassigned, trial {trial} among them; every complete trial has each of its epochs once",
    )
    said = [line for line in service.compose("logs", "--no-color", "worker").splitlines() if "export it:" in line]
    assert said, "no worker printed the best trial"
    protocol.note("the last worker's last words", f"`{said[-1].partition('|')[2].strip()}`")


def check_exports(service: Service, protocol: Protocol) -> None:
    """Export the best model in a container, as the calling user, and on the host."""
    inside = json.loads(service.compose("run", "--rm", "automl", "best", "--export", "inside.pt", "--json"))
    owner = (service.folder / "inside.pt").stat().st_uid
    assert owner == service.uid, owner
    protocol.note(
        "`docker compose run --rm automl best --export inside.pt`",
        f"trial {inside['number']}, test accuracy {inside['export']['test']['accuracy']:.4f}, owned by the caller",
    )
    outside = json.loads(service.host("best", "--export", "outside.pt", "--json"))
    assert outside["number"] == inside["number"], outside
    assert outside["export"]["test"]["accuracy"] == inside["export"]["test"]["accuracy"], outside
    protocol.note("`automl best --export outside.pt` on the host", "the same trial and test accuracy")


def raise_budget(service: Service, protocol: Protocol) -> None:
    """Start the service again as it is, with a lower total, and with a higher one."""
    for trials, expected in ((TRIALS, TRIALS), (3, TRIALS), (MORE_TRIALS, MORE_TRIALS)):
        service.compose("up", "--detach", "--no-build", "--scale", "worker=1", trials=trials)
        service.until(lambda: not service.running_workers(), seconds=300)
        status = service.status()
        assert status["finished"] == status["budget_trials"] == expected, status
    protocol.note(
        f"up again with AUTOML_TRIALS={TRIALS}, 3 and {MORE_TRIALS}",
        f"{TRIALS}, {TRIALS} and {MORE_TRIALS} trials finished",
    )


if __name__ == "__main__":
    main()
