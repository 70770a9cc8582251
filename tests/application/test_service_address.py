from __future__ import annotations

import socket
from pathlib import Path

from automl.application.service_address import running_service
from automl.settings import Settings


def test_a_running_service_is_found_from_its_folder_alone(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        settings = Settings({"AUTOML_POSTGRES_PORT": str(port), "AUTOML_PASSWORD": "a/b@c"})
        assert running_service(settings, folder=tmp_path) is None
        (tmp_path / "docker-compose.yml").touch()
        service = running_service(settings, folder=tmp_path)
        assert service is not None
        assert service.storage == f"postgresql://automl:a%2Fb%40c@127.0.0.1:{port}/automl"
        assert service.artifacts == tmp_path / "artifacts"
    assert running_service(settings, folder=tmp_path) is None
