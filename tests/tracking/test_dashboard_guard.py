"""What reaches optuna-dashboard, asked as a server asks: by WSGI, without a socket."""

from __future__ import annotations

import json
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.artifacts import FileSystemArtifactStore
from optuna_dashboard import wsgi
from sqlalchemy import text
from sqlalchemy.exc import InternalError

from automl.confirmation.confirmed import confirmed_study, find_confirmation
from automl.errors import StudyError
from automl.storage.database import Database
from automl.storage.optuna_internals import FastStorage
from automl.storage.roles import make_read_only
from automl.study.record import checked_uid, find_study, find_study_by_id, lost_studies
from automl.study.renaming import rename_study
from automl.study.specification import Confirms
from automl.tracking.dashboard_guard import FOREIGN_PAGE, READ_ONLY, UNKNOWN_NAME, DashboardGuard
from tests.studies import MakeStudy

PAGE = b"<script>steal()</script>"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def reason(self) -> str:
        return str(json.loads(self.body)["reason"])


@dataclass(frozen=True)
class Shown:
    """A study with an HTML file, as the dashboard shows it read-only and writable."""

    database: Database
    storage: FastStorage
    artifacts: FileSystemArtifactStore
    study_id: int
    page: str

    def ask(
        self, path: str, *, method: str = "GET", body: object = None, writable: bool = True, **headers: str
    ) -> Answer:
        """The guarded dashboard's answer; `HOST` and other headers by their names of WSGI."""
        guard = DashboardGuard(
            wsgi(self.storage, artifact_store=self.artifacts),
            allowed_hosts=["Lab.example"],
            rename=self.rename if writable else None,
        )
        content = b"" if body is None else json.dumps(body).encode()
        environ = {
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "QUERY_STRING": "",
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(content)),
            "wsgi.input": BytesIO(content),
            **{f"HTTP_{name}": value for name, value in ({"HOST": "localhost:8080"} | headers).items() if value},
        }
        started: list[Any] = []
        parts = guard(environ, lambda status, found, *_: started.append((status, found)))
        answer = b"".join(parts)
        getattr(parts, "close", lambda: None)()  # as a server does
        status, found = started[-1]
        return Answer(int(status.split()[0]), dict(found), answer)

    def rename(self, study_id: int, name: str) -> None:
        with self.database.engine.begin() as connection:
            rename_study(connection, find_study_by_id(connection, study_id), name)


@pytest.fixture
def shown(database: Database, storage: FastStorage, make_study: MakeStudy, tmp_path: Path) -> Shown:
    record = make_study()
    (tmp_path / "artifacts").mkdir()
    (tmp_path / "page.html").write_bytes(PAGE)
    study = optuna.load_study(study_name=record.name, storage=storage)
    trial = study.ask()
    store = FileSystemArtifactStore(tmp_path / "artifacts")
    artifact = optuna.artifacts.upload_artifact(
        artifact_store=store, file_path=str(tmp_path / "page.html"), study_or_trial=trial, storage=storage
    )
    study.tell(trial, 0.5)
    page = f"/artifacts/{record.study_id}/{trial._trial_id}/{artifact}"
    return Shown(database, storage, store, record.study_id, page)


def test_only_names_of_its_own_are_answered(shown: Shown) -> None:
    for host in ("localhost", "127.0.0.1:8080", "[::1]:8080", "192.168.0.7:80", "LAB.example:8080"):
        assert shown.ask("/api/studies", HOST=host).status == 200, host
    for host in (
        "evil.example",
        "evil.example:8080",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "",
        "a@localhost",
    ):
        refused = shown.ask("/api/studies", HOST=host)
        assert (refused.status, refused.reason) == (403, UNKNOWN_NAME), host
        assert shown.ask(f"/api/studies/{shown.study_id}", method="DELETE", HOST=host).status == 403
    assert len(json.loads(shown.ask("/api/studies").body)["study_summaries"]) == 1


def test_a_page_of_another_site_changes_nothing(shown: Shown) -> None:
    study = f"/api/studies/{shown.study_id}"
    for origin in ("http://evil.example", "null", "http://localhost:9999"):
        refused = shown.ask(study, method="DELETE", ORIGIN=origin)
        assert (refused.status, refused.reason) == (403, FOREIGN_PAGE), origin
    note = {"version": 1, "body": "mine"}
    assert shown.ask(f"{study}/note", method="PUT", body=note, ORIGIN="http://localhost:8080").status == 204


def test_without_writable_nothing_is_changed(shown: Shown) -> None:
    study, renamed = f"/api/studies/{shown.study_id}", {"study_name": "others"}
    for method, path, body in (
        ("DELETE", study, {}),
        ("POST", f"{study}/rename", renamed),
        ("PUT", f"{study}/note", {"version": 1, "body": "x"}),
        ("DELETE", "/api" + shown.page, None),
    ):
        refused = shown.ask(path, method=method, body=body, writable=False)
        assert (refused.status, refused.reason) == (403, READ_ONLY), path
    detail = json.loads(shown.ask(study, writable=False).body)
    assert (detail["name"], len(detail["trials"])) == ("faces", 1)
    assert shown.ask(shown.page, writable=False).body == PAGE


def test_what_reads_alone_cannot_write_whatever_its_role(shown: Shown) -> None:
    make_read_only(shown.database.engine)
    with pytest.raises(InternalError, match="read-only transaction"), shown.database.engine.begin() as connection:
        connection.execute(text("DELETE FROM studies"))
    shown.storage.remove_session()
    assert shown.ask(f"/api/studies/{shown.study_id}").status == 200


def test_an_artifact_is_a_file_and_never_a_page_of_the_dashboard(shown: Shown) -> None:
    answer = shown.ask(shown.page)
    assert answer.body == PAGE
    assert answer.headers["Content-Disposition"] == "attachment"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'; sandbox"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_a_renamed_study_stays_the_study_that_it_was(shown: Shown, make_study: MakeStudy) -> None:
    with shown.database.engine.connect() as connection:
        before = find_study(connection, "faces")
    make_study("faces-confirmed", confirms=Confirms(study="faces", uid=before.uid, epochs_factor=1))
    for name, reason in (("../up", "No study can be called"), ("faces-confirmed", "There is a study")):
        refused = shown.ask(f"/api/studies/{before.study_id}/rename", method="POST", body={"study_name": name})
        assert (refused.status, reason in refused.reason) == (400, True)

    answer = shown.ask(f"/api/studies/{before.study_id}/rename", method="POST", body={"study_name": "portraits"})

    summary = json.loads(answer.body)
    assert (answer.status, summary["study_name"], summary["study_id"]) == (201, "portraits", before.study_id)
    with shown.database.engine.connect() as connection:
        after = find_study(connection, "portraits")
        confirmation = find_study(connection, "faces-confirmed")
        assert (after.study_id, after.uid, after.budget_trials) == (before.study_id, before.uid, before.budget_trials)
        assert confirmed_study(connection, confirmation) == after
        assert find_confirmation(connection, after) is not None
        with pytest.raises(StudyError, match="There is no study 'faces'"):
            find_study(connection, "faces")


def test_a_backup_s_unique_name_is_no_path() -> None:
    assert checked_uid("0123abcd") == "0123abcd"
    assert {checked_uid(one) for one in ("../../up", "0123abc", "0123ABCD", "0123abcd\n", 7, None)} == {None}


def test_a_study_at_work_is_not_renamed(shown: Shown) -> None:
    with shown.database.engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO automl_workers (study_id, ordinal, host, pid, device) VALUES (:study_id, 1, 'h', 1, 'cpu')"
            ),
            {"study_id": shown.study_id},
        )
    with pytest.raises(StudyError, match="Workers are at work on study faces"):
        shown.rename(shown.study_id, "portraits")


def test_a_study_that_another_dashboard_renamed_is_named_with_what_to_do(shown: Shown) -> None:
    app, started = wsgi(shown.storage), []
    body = b'{"study_name": "portraits"}'
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": f"/api/studies/{shown.study_id}/rename",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": BytesIO(body),
    }
    list(app(environ, lambda status, *_: started.append(status)))
    assert started == ["201 Created"]
    with shown.database.engine.connect() as connection:
        assert lost_studies(connection) == ["portraits"]
        with pytest.raises(StudyError, match="another program renamed or copied it"):
            find_study(connection, "portraits")
