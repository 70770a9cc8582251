from __future__ import annotations

import socket
from pathlib import Path

import pytest

from automl.application.actions.study_copy import target_artifacts
from automl.settings import Settings


def test_a_copy_for_the_service_goes_where_its_workers_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docker-compose.yml").touch()
    with socket.create_server(("127.0.0.1", 0)) as server:
        values = {"AUTOML_POSTGRES_PORT": str(server.getsockname()[1])}
        to = f"postgresql://automl:automl@127.0.0.1:{values['AUTOML_POSTGRES_PORT']}/automl"
        assert target_artifacts(Settings(values), to, None) == str(tmp_path / "artifacts")
        in_bucket = Settings(values | {"AUTOML_ARTIFACTS": "s3://automl/searches"})
        assert target_artifacts(in_bucket, to, None) == "s3://automl/searches"
        assert target_artifacts(in_bucket, to, "elsewhere") == "elsewhere"
