"""Whether a server answers anybody at all, asked beside a connection that got no answer."""

from __future__ import annotations

import os
import select
import socket
import struct
import time
from collections.abc import Callable

SSL_REQUEST = struct.pack("!ii", 8, 80877103)
"""May a connection be encrypted? Every PostgreSQL and every pooler answers it with one byte, and asks nobody's name.

Source: https://www.postgresql.org/docs/current/protocol-message-formats.html
"""
SLICE_SECONDS = 0.1


def server_answers(descriptor: int, *, seconds: float, is_given_up: Callable[[], bool]) -> bool:
    """Whether the server at the other end of a socket answers somebody new within so long.

    `is_given_up` is asked again and again, and ends the question.
    """
    deadline = time.monotonic() + seconds
    try:
        with _beside(descriptor) as beside:
            for event in (select.POLLOUT, select.POLLIN):
                if not _await(beside, event, deadline, is_given_up):
                    return False
                if event == select.POLLOUT:
                    beside.sendall(SSL_REQUEST)
            return bool(beside.recv(1))
    except OSError:
        return False


def _beside(descriptor: int) -> socket.socket:
    """A socket that begins to connect to where that one is connected."""
    with socket.socket(fileno=os.dup(descriptor)) as known:
        beside, address = socket.socket(known.family, known.type), known.getpeername()
    beside.setblocking(False)
    try:
        beside.connect(address)
    except BlockingIOError:
        if beside.family == socket.AF_UNIX:  # its queue is full: nobody takes connections from it
            beside.close()
            raise
    except OSError:
        beside.close()
        raise
    return beside


def _await(beside: socket.socket, event: int, deadline: float, is_given_up: Callable[[], bool]) -> bool:
    poll = select.poll()
    poll.register(beside.fileno(), event)
    while not poll.poll(1000 * SLICE_SECONDS):
        if is_given_up() or time.monotonic() > deadline:
            return False
    return True
