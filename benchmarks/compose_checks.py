"""What compose_test.py looks at while the service is there: dashboard, hardening, secrets."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Sequence
from typing import Any

from benchmarks.compose_service import Service

GREP = 'grep -rqF -e "$0" /var/lib/automl && ! grep -rlF -e "$1" -e "$2" /var/lib/automl /artifacts'


def check_dashboard(service: Service) -> str:
    """The page and the API answer, from a process that saw the database restart; nothing can be deleted."""
    url = f"http://127.0.0.1:{service.dashboard_port}"
    service.until(lambda: _answer("GET", f"{url}/api/studies")[0] == 200, seconds=60)
    status, page = _answer("GET", f"{url}/dashboard")
    assert status == 200, status
    assert b"<title>Optuna Dashboard" in page, page[:200]
    studies = _studies(url)
    assert len(studies) == 1, studies
    study = f"{url}/api/studies/{studies[0]['study_id']}"
    trials = json.loads(_answer("GET", study)[1])["trials"]
    _check_delete(service, study)
    assert _studies(url) == studies
    assert json.loads(_answer("GET", study)[1])["trials"] == trials
    assert [one["RestartCount"] for one in service.containers("dashboard")] == [0]
    return (
        f"{len(trials)} trials shown, by the process from before the restart; DELETE refused by the dashboard, and in "
        "SQL by its role; another name in the Host header refused; every trial and file is still there"
    )


def _check_delete(service: Service, study: str) -> None:
    """Two barriers, each tried alone: the request is refused, and so is what it would have asked of the database."""
    files = sorted((service.folder / "artifacts").rglob("*"))
    assert files
    status, body = _answer("DELETE", study, b"{}")
    assert (status, b"read-only" in body) == (403, True), body
    status, body = _answer("GET", study, host="evil.example")
    assert (status, b"AUTOML_DASHBOARD_HOSTS" in body) == (403, True), body
    delete = ("psql", "-U", "automl_dashboard", "-d", "automl", "-c", "DELETE FROM studies")
    service.compose("exec", "-T", "postgres", *delete, check=False)
    assert "permission denied for table studies" in service.compose("logs", "--no-color", "postgres")
    assert service.sql("SELECT rolsuper FROM pg_roles WHERE rolname = 'automl'") == "f"
    assert sorted((service.folder / "artifacts").rglob("*")) == files


def _studies(url: str) -> Any:
    return json.loads(_answer("GET", f"{url}/api/studies")[1])["study_summaries"]


def _answer(method: str, url: str, body: bytes | None = None, *, host: str | None = None) -> tuple[int, bytes]:
    """Status and body; `host`: another name in the Host header."""
    headers = {"Content-Type": "application/json"} | ({} if host is None else {"Host": host})
    request = urllib.request.Request(url, body, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return int(response.status), response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
    except OSError:
        return 0, b""  # it does not listen yet


def check_hardening(service: Service) -> str:
    """Every long-lived container: read-only root, no capabilities, not root, loopback alone, limits."""
    containers = [one for name in ("postgres", "worker", "dashboard") for one in service.containers(name)]
    for one in containers:
        host = one["HostConfig"]
        assert host["ReadonlyRootfs"], one["Name"]
        assert host["CapDrop"] == ["ALL"], one["Name"]
        assert not host["CapAdd"], one["Name"]
        assert host["Memory"] > 0, one["Name"]
        assert host["PidsLimit"] > 0, one["Name"]
        assert "no-new-privileges:true" in host["SecurityOpt"], one["Name"]
        assert one["Config"]["User"].partition(":")[0] not in ("", "0", "root"), one["Name"]
        ports = [binding["HostIp"] for bindings in host["PortBindings"].values() for binding in bindings]
        assert set(ports) <= {"127.0.0.1"}, one["Name"]
    return (
        f"{len(containers)} of {len(containers)} read-only, without capabilities, not root, limited, on 127.0.0.1 alone"
    )


def check_secrets(service: Service, passwords: Sequence[str]) -> str:
    """No password in logs, process list, database, wandb's files or artifacts."""
    places = {
        "logs": service.compose("logs", "--no-color"),
        "processes": service.compose("top"),
        "database": service.compose("exec", "-T", "postgres", "pg_dump", "-U", "automl", "--data-only", "automl"),
    }
    for name, content in places.items():
        assert content, name
        for password in passwords:
            assert password not in content, name
    known = service.status()["study"]  # which the search must find in wandb's files, to be believed
    service.compose("run", "--rm", "--no-deps", "--entrypoint", "sh", "automl", "-euc", GREP, known, *passwords)
    return "found in none"
