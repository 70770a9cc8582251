"""A proxy between us and PostgreSQL that delays, halves, hangs, drops and resets what passes through it."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Literal

from sqlalchemy.engine import make_url

Fault = Literal["none", "delay", "hang", "halve"]
DELAY_SECONDS = 0.2
RESETTING = struct.pack("ii", 1, 0)
"""SO_LINGER that makes close() a reset."""


class PostgresProxy:
    """Listens on a port of the loopback, and passes everything on to the socket of a server, as `fault` has it."""

    def __init__(self, upstream: str) -> None:
        """`upstream`: path of the server's socket."""
        self.fault: Fault = "none"
        self._upstream = upstream
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._sockets: list[socket.socket] = []
        self._healed = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def heal(self) -> None:
        """Pass everything on again, what was held back first."""
        self.fault = "none"
        self._healed.set()

    def break_down(self, fault: Fault) -> None:
        """Treat what comes from now on so; `halve` passes half of the next answer, then hangs."""
        self._healed.clear()
        self.fault = fault

    def drop(self, *, reset: bool = False) -> None:
        """End all connections: as a server that ends, or as a firewall that resets."""
        for one in self._sockets:
            with suppress(OSError):
                if reset and one.family == socket.AF_INET:
                    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESETTING)
                one.shutdown(socket.SHUT_RD)

    def close(self) -> None:
        """End it."""
        self._listener.close()
        self.heal()
        self.drop()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        """Pass on what both sides say, until one of them ends."""
        with client, socket.socket(socket.AF_UNIX) as server:
            server.connect(self._upstream)
            self._sockets += [client, server]
            answers = threading.Thread(target=self._pass_on, args=(server, client, True), daemon=True)
            answers.start()
            self._pass_on(client, server, False)
            answers.join()

    def _pass_on(self, source: socket.socket, target: socket.socket, is_answer: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if self.fault == "delay":
                    time.sleep(DELAY_SECONDS)
                elif self.fault == "halve" and is_answer:
                    target.sendall(data[: len(data) // 2])
                    data = data[len(data) // 2 :]
                    self.fault = "hang"
                if self.fault == "hang":
                    self._healed.wait()
                target.sendall(data)
        for one in (source, target):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RD)


@contextmanager
def proxied(url: str) -> Iterator[tuple[PostgresProxy, str]]:
    """A proxy in front of an embedded server, and the URL through it."""
    parsed = make_url(url)
    proxy = PostgresProxy(f"{parsed.query['host']}/.s.PGSQL.{parsed.query['port']}")
    through = parsed.set(host="127.0.0.1", port=proxy.port, query={})
    try:
        yield proxy, through.render_as_string(hide_password=False)
    finally:
        proxy.close()
