from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import uuid
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
import yaml
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ProgrammingError

from automl.settings import SETTINGS
from automl.storage.database import open_database
from automl.storage.roles import create_reader
from automl.storage.schema_creation import create_schema

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
    same = ("image", "build", "init", "user", "tmpfs", "shm_size", "mem_limit", "pids_limit", "deploy", "restart")
    for key in (*same, "stop_grace_period"):
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


def test_memory_and_processes_of_every_container_are_limited() -> None:
    for name, service in (services() | elsewhere()).items():
        assert service["mem_limit"], name
        assert service["pids_limit"] >= 256, name


def start_database(folder: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run what starts PostgreSQL, in a folder instead of a container. Its programs, which refuse root, stand in.

    The server prints its arguments; single-user mode keeps what it is told in `single.sql`.
    """
    single = f'if [ "$1" = --single ]; then cat >> {folder}/single.sql; else echo "postgres $*"; fi'
    programs = {"postgres": single, "initdb": 'mkdir -p "$PGDATA" && echo 17 > "$PGDATA/PG_VERSION"'}
    for program, does in programs.items():
        (folder / program).write_text(f"#!/bin/sh\n{does}\n")
        (folder / program).chmod(0o755)
    script = str(services()["postgres"]["command"][0]).replace("$$", "$")
    for path in ("/tmp/pg_hba.conf", "/tmp/server.key"):
        script = script.replace(path, f"{folder}/{Path(path).name}")
    script = script.replace("/tls", f"{folder}/certificates")
    environment = {"PATH": f"{folder}:{os.environ['PATH']}", "PGDATA": str(folder / "data"), **settings}
    command = ["bash", "-euc", script]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


GOOD = {"AUTOML_PASSWORD": "good", "AUTOML_DASHBOARD_PASSWORD": "other", "AUTOML_BIND": "0.0.0.0"}
KNOWN = {"AUTOML_PASSWORD": "automl", "AUTOML_DASHBOARD_PASSWORD": "dashboard"}
LOOPBACK = ("127.0.0.1", "127.0.0.7", "localhost", "::1", "[::1]")


def test_passwords_that_everybody_knows_are_refused_beyond_loopback(tmp_path: Path) -> None:
    assert {name: defaults()[name] for name in KNOWN} == KNOWN
    for name, value in KNOWN.items():
        for bind in ("0.0.0.0", "192.168.0.7", "::"):
            done = start_database(tmp_path, **GOOD | {name: value, "AUTOML_BIND": bind})
            assert (done.returncode, done.stdout) == (2, "")
            assert f"AUTOML_BIND is {bind}, and {name} is the one that everybody knows" in done.stderr
    for settings in (GOOD, *(KNOWN | {"AUTOML_BIND": bind} for bind in LOOPBACK)):
        assert start_database(tmp_path, **settings).stdout.startswith("postgres -c listen_addresses=* ")


def test_the_database_takes_tls_alone_where_it_is_asked_for(tmp_path: Path) -> None:
    assert "ssl" not in start_database(tmp_path, **GOOD).stdout
    assert (tmp_path / "pg_hba.conf").read_text().splitlines()[1] == "host all all all scram-sha-256"
    (tmp_path / "certificates").mkdir()
    (tmp_path / "certificates" / "server.key").write_text("key")
    done = start_database(tmp_path, **GOOD)
    assert f"-c ssl=on -c ssl_cert_file={tmp_path}/certificates/server.crt" in done.stdout
    assert (tmp_path / "pg_hba.conf").read_text().splitlines()[1] == "hostssl all all all scram-sha-256"
    assert (tmp_path / "server.key").stat().st_mode & 0o777 == 0o600


def test_the_service_s_role_is_no_superuser_and_can_do_what_setup_does(postgres_server: str, tmp_path: Path) -> None:
    role = f"automl_{uuid.uuid4().hex[:8]}"
    start_database(tmp_path, **GOOD)
    statements = (tmp_path / "single.sql").read_text().splitlines()
    assert [statement.split()[:2] for statement in statements] == [
        ["CREATE", "ROLE"],
        ["CREATE", "DATABASE"],
        ["ALTER", "ROLE"],
    ]
    start_database(tmp_path, **GOOD | {"AUTOML_PASSWORD": "it's new"})
    again = (tmp_path / "single.sql").read_text().splitlines()[len(statements) :]
    assert again == ["ALTER ROLE automl PASSWORD 'it''s new'"]
    admin = sqlalchemy.create_engine(postgres_server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        for statement in statements:
            connection.exec_driver_sql(re.sub(r"\bautoml\b", role, statement))
        assert connection.scalar(text("SELECT rolsuper FROM pg_roles WHERE rolname = :role"), {"role": role}) is False
    url = make_url(postgres_server).set(username=role, password="good", database=role)
    with open_database(url.render_as_string(False), home=tmp_path) as database:
        create_schema(database)
        with database.engine.begin() as connection:
            create_reader(connection, f"{role}_reader", password="x")
        with pytest.raises(ProgrammingError, match="permission denied"), database.engine.begin() as connection:
            connection.execute(text("COPY (SELECT 1) TO PROGRAM 'true'"))
    with admin.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {role} WITH (FORCE)")
        for name in (f"{role}_reader", role):
            connection.exec_driver_sql(f"DROP ROLE {name}")
    admin.dispose()


def test_only_folders_of_the_service_s_own_change_hands() -> None:
    setup, folders = (str(service["command"][0]) for service in (services()["setup"], elsewhere()["folders"]))
    assert "chmod" not in setup
    recursive = [line for line in setup.splitlines() if "chown -R" in line]
    assert recursive == ['[ "$$(stat -c %u:%g /var/lib/automl)" = "$$OWNER" ] || chown -R "$$OWNER" /var/lib/automl']
    assert setup.removesuffix("as_owner automl setup\n") == folders


@pytest.mark.skipif(os.getuid() != 0, reason="only root may give folders away")
@pytest.mark.parametrize(
    ("owner", "file", "store", "code", "after"),
    [
        (0, None, "/artifacts", 0, 4321),
        (4321, "weights", "/artifacts", 0, 4321),
        (1234, None, "/artifacts", 2, 1234),
        (0, "weights", "/artifacts", 2, 0),
        (0, "weights", "s3://bucket/searches", 0, 0),
    ],
    ids=["made by Docker", "its own", "somebody's", "root's with files", "not needed"],
)
def test_a_folder_of_artifacts_that_is_somebody_s_is_left_to_them(
    owner: int, file: str | None, store: str, code: int, after: int
) -> None:
    with tempfile.TemporaryDirectory(prefix="automl-tests-") as name:
        root = Path(name)
        root.chmod(0o711)
        home, artifacts = root / "home", root / "artifacts"
        for folder in (home, artifacts):
            folder.mkdir(mode=0o755)
        if file is not None:
            (artifacts / file).write_text("kept")
        os.chown(artifacts, owner, owner)
        script = str(elsewhere()["folders"]["command"][0]).replace("$$", "$")
        script = script.replace("/var/lib/automl", str(home)).replace(" /artifacts", f" {artifacts}")
        environment = {"PATH": os.environ["PATH"], "OWNER": "4321:4321", "AUTOML_ARTIFACTS": store}
        done = subprocess.run(["sh", "-euc", script], env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stderr
        assert ("belongs to user" in done.stderr) == (code == 2)
        assert (artifacts.stat().st_uid, home.stat().st_uid) == (after, 4321)
        assert [found.stat().st_uid for found in artifacts.iterdir()] == ([] if file is None else [0])


def test_images_and_actions_are_named_by_digest() -> None:
    """The compose files have the tags, so that an image on the machine is used where no registry is at hand."""
    lines = (ROOT / "deploy" / "images.env").read_text().splitlines()
    pinned = dict(line.split("=", 1) for line in lines if not line.startswith("#"))
    tags = {name: value for name, value in defaults().items() if name.endswith("_IMAGE")}
    assert {name: image.partition("@")[0] for name, image in pinned.items()} == tags
    assert len(tags) == 3
    for name, image in pinned.items():
        assert re.fullmatch(r"[a-z/]+:[\w.-]+@sha256:[0-9a-f]{64}", image), name
    assert f"ARG PYTHON_IMAGE={tags['AUTOML_PYTHON_IMAGE']}\n" in (ROOT / "Dockerfile").read_text()
    workflows = "\n".join(path.read_text() for path in (ROOT / ".github" / "workflows").glob("*.yml"))
    used = re.findall(r"uses: (.*)", workflows)
    assert used
    for action in used:
        assert re.fullmatch(r"actions/[\w-]+@[0-9a-f]{40} # v[\d.]+", action), action


def test_pins_are_renewed_everywhere_at_once(tmp_path: Path) -> None:
    """docker and git stand in: they would ask a registry, which no test may."""
    files = ("deploy/images.env", ".github/workflows/test.yml")
    for file in files:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / file, tmp_path / file)
    tag = "0" * 40 + r"\trefs/tags/v9.1.0\n" + "d" * 40 + r"\trefs/tags/v9.1.0^{}\n"
    for program, answer in (("docker", "sha256:" + "c" * 64), ("git", tag)):
        (tmp_path / program).write_text(f"#!/bin/sh\nprintf '{answer}'\n")
        (tmp_path / program).chmod(0o755)
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    subprocess.run([ROOT / ".ci" / "pins", tmp_path], env=environment, capture_output=True, check=True)
    renewed = "".join((tmp_path / file).read_text() for file in files)
    assert set(re.findall("@sha256:(.{64})", renewed)) == {"c" * 64}
    assert set(re.findall("uses: actions/[^@]*@(.*)", renewed)) == {"d" * 40 + " # v9.1.0"}


def test_continuous_integration_has_every_python_of_the_constraints() -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "test.yml").read_text())
    versions = workflow["jobs"]["test"]["strategy"]["matrix"]["python"]
    assert versions == ["3.11", "3.12", "3.13"]
    told = f"(Python {versions[0]}, Linux; CI tries {' and '.join(versions[1:])} too)"
    assert told in (ROOT / "constraints.txt").read_text()


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
