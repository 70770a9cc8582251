"""The optuna-dashboard server on a study's database and artifacts."""

from __future__ import annotations

import errno
import ipaddress
import socket
from collections.abc import Callable, Collection
from socketserver import ThreadingMixIn
from typing import BinaryIO, Protocol
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from optuna.storages import BaseStorage
from optuna_dashboard import wsgi

from automl.errors import SettingsError
from automl.tracking.dashboard_guard import DashboardGuard, Rename, is_address

EVERY_ADDRESS = ("", "0.0.0.0")  # noqa: S104 – recognized, not chosen
PORTS_TRIED = 100


class DashboardStore(Protocol):
    """Optuna's protocol for artifact stores, as optuna-dashboard needs it."""

    def open_reader(self, artifact_id: str) -> BinaryIO:
        """Open an artifact."""

    def write(self, artifact_id: str, content_body: BinaryIO) -> None:
        """Store an artifact."""

    def remove(self, artifact_id: str) -> None:
        """Delete an artifact."""


def serve(
    storage: BaseStorage,
    *,
    artifacts: DashboardStore,
    host: str,
    port: int,
    allowed_hosts: Collection[str] = (),
    rename: Rename | None = None,
    ready: Callable[[str], None] | None = None,
) -> None:
    """Serve the dashboard until KeyboardInterrupt; `ready` gets its URL. Port 0 takes any free one.

    The best trial that it shows is the storage's. `allowed_hosts`: as for `DashboardGuard`, beside `host`.

    It has no authentication. Without `rename` it is read-only; with it, whoever reaches it can delete studies: `host`
    should then be a loopback address.

    Raises: SettingsError if it cannot listen there.
    """
    with _listen(host, port) as server:
        app = wsgi(storage, artifact_store=artifacts)
        server.set_app(DashboardGuard(app, allowed_hosts=[host, *allowed_hosts], rename=rename))
        if ready is not None:
            ready(f"http://{'localhost' if host in EVERY_ADDRESS else host}:{server.server_port}")
        server.serve_forever()


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches what listens there."""
    return host == "localhost" or (is_address(host) and ipaddress.ip_address(host).is_loopback)


def study_page(url: str, study_id: int) -> str:
    """Address of one study's page on the dashboard at `url`."""
    return f"{url}/dashboard/studies/{study_id}"


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 64


class _QuietHandler(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 – the name is the base class's
        """Keep the terminal free of a line a request."""


def _listen(host: str, port: int) -> _Server:
    try:
        return _Server((host, port), _QuietHandler)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise SettingsError(f"Port {port} of {host} is taken. Try: --port {_free_port(host, port + 1)}") from error
        raise SettingsError(f"Cannot listen on {host}:{port}: {error}. Give another --host or --port.") from error


def _free_port(host: str, first: int) -> int:
    """Return the first port from `first` on that nobody listens to; 0, for any, where there is none near."""
    return next((port for port in range(first, min(first + PORTS_TRIED, 2**16)) if _is_free(host, port)), 0)


def _is_free(host: str, port: int) -> bool:
    try:
        socket.create_server((host, port)).close()
    except OSError:
        return False
    return True
