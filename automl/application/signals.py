"""SIGTERM and SIGINT as an event, and the closing of standard input too."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def stop_on_signals(*, or_closed_input: bool = False) -> Iterator[threading.Event]:
    """An event that SIGTERM and SIGINT set; whoever waits for it requeues its trial and ends.

    `or_closed_input`: also set when standard input closes, as it does when the process that started this one is gone.
    Outside the main thread, where signals cannot be handled, the event is set by nobody.
    """
    stop_event = threading.Event()
    if or_closed_input:
        threading.Thread(target=_wait_for_end_of_input, args=(stop_event,), name="closed input", daemon=True).start()
    if threading.current_thread() is not threading.main_thread():
        yield stop_event
        return

    def request_stop(_signal: int, _frame: FrameType | None) -> None:
        stop_event.set()

    before = {number: signal.signal(number, request_stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        with _heard_at_once(stop_event):
            yield stop_event
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _heard_at_once(stop_event: threading.Event) -> Iterator[None]:
    """Let a signal set the event while the main thread is inside a call that does not return.

    A handler of Python's runs between two of the main thread's own steps, and a call into a library is a single one.
    """
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    threading.Thread(target=_wait_for_signal, args=(reading, stop_event), name="signals", daemon=True).start()
    before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        os.close(writing)


def _wait_for_signal(reading: int, stop_event: threading.Event) -> None:
    while heard := os.read(reading, 64):
        if {signal.SIGTERM, signal.SIGINT} & set(heard):
            stop_event.set()
    os.close(reading)


def _wait_for_end_of_input(stop_event: threading.Event) -> None:
    while os.read(sys.stdin.fileno(), 1024):
        pass
    stop_event.set()
