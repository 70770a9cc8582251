"""A service of docker compose in a folder of its own, and what can be asked of it: for compose_test.py."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
PROJECT = "automl-compose-test"
PASSWORDS = ("pass@word/of:the?owner", "pass@word/of:the?reader")
"""With all that means something in a URL."""
OTHER_UID = 12345
"""Owner of what the containers write if this runs as root, for whom there is nothing to test."""
POLL_SECONDS = 1.0
SPACE = """\
name: compose-test
parameters:
  depth: {min: 1, max: 2}
  width: {values: [16, 24]}
  learning_rate: {distribution: log_uniform_values, min: 2e-3, max: 2e-2}
  batch_size: {value: 32}
  optimizer: {value: adamw}
  epochs: {value: 12}
"""


IMAGES = ("AUTOML_POSTGRES_IMAGE", "AUTOML_PYTHON_IMAGE")
"""Settings of the caller's that hold for the service too: a machine may have these images under other names."""


def engine_version() -> str | None:
    """Version of the Docker engine and of its compose plugin; None if they do not answer."""
    if shutil.which("docker") is None:
        return None
    asked = (["docker", "version", "--format", "{{.Server.Version}}"], ["docker", "compose", "version", "--short"])
    answers = [subprocess.run(command, capture_output=True, text=True, check=False) for command in asked]
    if any(answer.returncode for answer in answers):
        return None
    engine, compose = (answer.stdout.strip() for answer in answers)
    return f"{engine} with compose {compose}"


@contextmanager
def prepared_service(*, trials: int) -> Iterator[Service]:
    """A folder as a user has it, with a `.env`; whatever runs from it is taken down at the end."""
    with tempfile.TemporaryDirectory(prefix=PROJECT) as name:
        folder = Path(name)
        service = Service(folder, os.getuid() or OTHER_UID, free_port())
        for file in ("docker-compose.yml", "docker-compose.cpu.yml"):
            shutil.copy2(ROOT / file, folder)
        (folder / "tiny.yaml").write_text(SPACE)
        (folder / ".env").write_text(
            f"COMPOSE_FILE=docker-compose.yml:docker-compose.cpu.yml\nCOMPOSE_PROJECT_NAME={PROJECT}\n"
            f"AUTOML_SPACE=tiny.yaml\nAUTOML_TRIALS={trials}\nAUTOML_UID={service.uid}\nAUTOML_GID={service.uid}\n"
            f"AUTOML_PASSWORD={PASSWORDS[0]}\nAUTOML_DASHBOARD_PASSWORD={PASSWORDS[1]}\n"
            f"AUTOML_POSTGRES_PORT={free_port()}\nAUTOML_DASHBOARD_PORT={service.dashboard_port}\nWANDB_MODE=offline\n"
        )
        if os.getuid() == 0:
            os.chown(folder, service.uid, service.uid)
        folder.chmod(0o755)
        try:
            yield service
        finally:
            service.compose("down", "--volumes", "--timeout", "5", check=False)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@dataclass(frozen=True)
class Service:
    """A service of docker compose."""

    folder: Path
    uid: int
    """Who its files belong to."""
    dashboard_port: int

    def compose(self, *arguments: str, check: bool = True, trials: int | None = None) -> str:
        """Standard output of a `docker compose` command; `trials` instead of the file's AUTOML_TRIALS."""
        return self._run(
            ["docker", "compose", *arguments], {} if trials is None else {"AUTOML_TRIALS": str(trials)}, check=check
        )

    def docker(self, *arguments: str) -> str:
        """Standard output of a `docker` command."""
        return self._run(["docker", *arguments], {})

    def host(self, *arguments: str, check: bool = True) -> str:
        """Standard output of an `automl` command on the host."""
        return self._run([sys.executable, "-m", "automl", *arguments], {"PYTHONPATH": str(ROOT)}, check=check)

    def _run(self, command: list[str], environment: dict[str, str], *, check: bool = True) -> str:
        own = {
            name: value
            for name, value in os.environ.items()
            if name in IMAGES or not name.startswith(("AUTOML_", "COMPOSE_"))
        }
        found = subprocess.run(
            command, cwd=self.folder, env=own | environment, capture_output=True, text=True, check=False
        )
        if check and found.returncode:
            raise RuntimeError(f"{' '.join(command)} ended with {found.returncode}:\n{found.stdout}{found.stderr}")
        return found.stdout if found.returncode == 0 or not check else ""

    def status(self) -> Any:
        """`automl status --json`, asked on the host."""
        return json.loads(self.host("status", "--json"))

    def try_status(self) -> Any:
        """The status, or None while the database is away."""
        answer = self.host("status", "--json", check=False)
        return json.loads(answer) if answer else None

    def wait(self, condition: Callable[[Any], object], *, seconds: float = 300) -> Any:
        """The first status that fulfils a condition."""
        found: list[Any] = []

        def fulfilled() -> bool:
            found.append(self.status())
            return bool(condition(found[-1]))

        self.until(fulfilled, seconds=seconds)
        return found[-1]

    def until(self, condition: Callable[[], bool], *, seconds: float = 300) -> None:
        """Wait until the condition holds.

        Raises: TimeoutError.
        """
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError(f"not within {seconds:g} s; the status is {self.try_status()}")
            time.sleep(POLL_SECONDS)

    def sql(self, statement: str) -> str:
        """The answer of psql, columns apart by |."""
        return self.compose("exec", "-T", "postgres", "psql", "-U", "automl", "-tAc", statement).strip()

    def host_of(self, ordinal: int, status: Any) -> str:
        """The container, by the start of its id, in which a worker is."""
        return str(next(worker["host"] for worker in status["workers"] if worker["ordinal"] == ordinal))

    def containers(self, service: str) -> list[Any]:
        """`docker inspect` of a service's containers, ended ones too."""
        names = self.compose("ps", "--all", "--quiet", service).split()
        return list(json.loads(self.docker("inspect", *names)))

    def restarts(self, host: str) -> int:
        """How often a container was started again."""
        return int(json.loads(self.docker("inspect", host))[0]["RestartCount"])

    def running_workers(self) -> list[str]:
        """Worker containers that have not ended."""
        return [one["Id"][:12] for one in self.containers("worker") if one["State"]["Status"] != "exited"]

    def exit_codes(self) -> dict[str, int]:
        """Exit codes of all worker containers."""
        return {one["Id"][:12]: int(one["State"]["ExitCode"]) for one in self.containers("worker")}

    def image_versions(self) -> str:
        """Versions inside the image."""
        code = (
            "import sys; from importlib.metadata import version as v; print('Python ' + sys.version.split()[0], "
            "*(n + ' ' + v(n) for n in ('torch', 'optuna', 'optuna-dashboard', 'wandb')), sep=', ')"
        )
        return self.docker("run", "--rm", "--entrypoint", "python", "optuna-automl", "-c", code).strip()
