"""Where the service of docker compose is found from its own folder, for who has set nothing."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from automl.settings import Settings

COMPOSE_FILE = "docker-compose.yml"
ADDRESS = "127.0.0.1"
ANSWER_SECONDS = 1.0


@dataclass(frozen=True)
class Service:
    """A running service, as docker-compose.yml publishes it."""

    storage: str
    """URL with the password."""
    artifacts: Path


def running_service(settings: Settings, *, folder: Path) -> Service | None:
    """The service whose compose file lies in `folder`; None without one, or if its database does not listen."""
    port = settings.whole_number("AUTOML_POSTGRES_PORT")
    if not ((folder / COMPOSE_FILE).exists() and _listens(port)):
        return None
    password = quote(str(settings.get("AUTOML_PASSWORD")), safe="")
    return Service(
        f"postgresql://automl:{password}@{ADDRESS}:{port}/automl", folder / str(settings.get("AUTOML_SHARED"))
    )


def _listens(port: int) -> bool:
    try:
        socket.create_connection((ADDRESS, port), timeout=ANSWER_SECONDS).close()
    except OSError:
        return False
    return True
