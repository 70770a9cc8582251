from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import yaml

from automl.settings import SETTINGS

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = (ROOT / ".env.example").read_text()
COMPOSE = (ROOT / "docker-compose.yml").read_text()
CPU = (ROOT / "docker-compose.cpu.yml").read_text()
WORKER = (ROOT / "docker-compose.worker.yml").read_text()
HANDED_ON = re.compile(r"^ +((?:WANDB|AWS)_\w+):$", re.MULTILINE)
FOREIGN = "s3"
"""A service whose image is not ours, and runs as its makers start it."""


def explained() -> dict[str, str]:
    """Variables of .env.example with the values that stand there."""
    return dict(re.findall(r"^#(\w+)=(.*)$", EXAMPLE, re.MULTILINE))


def defaults() -> dict[str, str]:
    """Variables that the compose files read, with the default that is not empty, if any."""
    found: dict[str, str] = {}
    for name, default in re.findall(r"\$\{(\w+):-([^}]*)\}", COMPOSE + CPU + WORKER):
        found[name] = found.get(name) or default
    return found


def services() -> dict[str, Any]:
    return dict(yaml.safe_load(COMPOSE)["services"])


def elsewhere() -> dict[str, Any]:
    """Services of a second machine."""
    return dict(yaml.safe_load(WORKER)["services"])


def test_a_worker_elsewhere_is_the_service_s_worker() -> None:
    ours, theirs = services()["worker"], elsewhere()["worker"]
    for key in ("image", "build", "init", "user", "tmpfs", "shm_size", "deploy", "restart", "stop_grace_period"):
        assert theirs[key] == ours[key], key
    different = {"AUTOML_STORAGE", "AUTOML_COMMAND"}
    assert {k: v for k, v in theirs["environment"].items() if k not in different} == {
        k: v for k, v in ours["environment"].items() if k not in different
    }


def test_a_worker_that_cannot_start_is_not_restarted_for_ever() -> None:
    assert re.fullmatch(r"on-failure:\d+", services()["worker"]["restart"])


def test_every_variable_of_the_service_is_explained_and_nothing_else_is() -> None:
    needed = {"COMPOSE_FILE", *re.findall(r"\$\{(\w+):\?", WORKER)}
    assert set(defaults()) | set(HANDED_ON.findall(COMPOSE)) | needed == set(explained()) | {"WANDB_BASE_URL"}


def test_the_example_shows_the_defaults() -> None:
    of_the_service = {name: value for name, value in defaults().items() if not value.startswith(("/", "digits"))}
    shown = explained()
    assert {name: shown[name] for name, value in of_the_service.items() if value} == {
        name: value for name, value in of_the_service.items() if value
    }


def test_defaults_are_the_same_in_a_container_and_on_the_host() -> None:
    names = ("AUTOML_PASSWORD", "AUTOML_POSTGRES_PORT", "AUTOML_WORKERS_PER_GPU")
    assert {name: defaults()[name] for name in names} == {name: SETTINGS[name].default for name in names}
    shown = explained()
    for name in ("AUTOML_SPACE", "AUTOML_TRIALS", "AUTOML_METRIC"):
        assert shown[name] == SETTINGS[name].default


def test_only_setup_is_root_and_keeps_capabilities() -> None:
    for name, service in (services() | elsewhere()).items():
        if name == FOREIGN:
            assert service["security_opt"] == ["no-new-privileges:true"]
            continue
        assert service["cap_drop"] == ["ALL"], name
        assert service["read_only"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert (service["user"] == "root") == (name in ("setup", "folders")), name
        assert ("cap_add" in service) == (name in ("setup", "folders")), name


def test_ports_are_published_on_loopback_alone() -> None:
    ports = [port for service in services().values() for port in service.get("ports", [])]
    assert len(ports) == 3
    assert all(port.startswith("${AUTOML_BIND:-127.0.0.1}:") for port in ports)


def test_the_dashboard_reads_as_its_own_role_and_artifacts_without_writing() -> None:
    dashboard = services()["dashboard"]
    assert dashboard["environment"]["AUTOML_STORAGE"] == "postgresql://automl_dashboard@postgres:5432/automl"
    assert [volume["read_only"] for volume in dashboard["volumes"]] == [True]
    assert "AUTOML_PASSWORD" not in str(dashboard)


def test_the_s3_server_does_not_start_without_keys() -> None:
    shell, flag, script = services()[FOREIGN]["entrypoint"]
    script = script.replace("$$", "$").replace("exec /entrypoint.sh", "echo started")
    keys = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "a secret"}
    for missing in keys:
        done = subprocess.run(
            [shell, flag, script], env=keys | {missing: ""}, capture_output=True, text=True, check=False
        )
        assert done.returncode != 0
        assert f"{missing}: is not set" in done.stderr
        assert "started" not in done.stdout
    done = subprocess.run([shell, flag, script], env=keys, capture_output=True, text=True, check=True)
    assert done.stdout == "started mini -dir=/data\n"
