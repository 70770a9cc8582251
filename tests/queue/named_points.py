"""Points at which a test stops a worker: before one of its statements, or inside of one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

from sqlalchemy import event, text
from sqlalchemy.engine import Engine

Result = TypeVar("Result")
KEY = 0x73746F70  # "stop"
WAIT = f"(SELECT pg_advisory_xact_lock_shared({KEY}) IS NOT NULL) AND"
MOST_SECONDS = 30.0


@contextmanager
def stopped_before(fragment: str, engine: Engine, call: Callable[[], Result]) -> Iterator[Future[Result]]:
    """Run the block while another thread's `call` stands before its first statement with this text; then it goes on."""
    reached, go_on, names = threading.Event(), threading.Event(), set[int]()

    def stop(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if threading.get_ident() in names and fragment in statement:
            names.clear()
            reached.set()
            assert go_on.wait(MOST_SECONDS)

    def run() -> Result:
        names.add(threading.get_ident())
        return call()

    with _listening(engine, stop), ThreadPoolExecutor(1) as pool:
        answer = pool.submit(run)
        try:
            assert reached.wait(MOST_SECONDS), f"no statement with {fragment!r}: {answer}"
            yield answer
        finally:
            go_on.set()


@contextmanager
def stopped_inside(condition: str, engine: Engine, call: Callable[[], Result]) -> Iterator[Future[Result]]:
    """Run the block while another thread's `call` stands inside its first statement with such a condition.

    It has taken its snapshot of the database by then, and has locked no row yet.
    """
    names = set[int]()

    def stop(
        _connection: object, _cursor: object, statement: str, parameters: object, *_: object
    ) -> tuple[str, object]:
        if threading.get_ident() in names and condition in statement:
            names.clear()
            statement = statement.replace(condition, f"{WAIT} {condition}", 1)
        return statement, parameters

    def run() -> Result:
        names.add(threading.get_ident())
        return call()

    with engine.connect() as holder, _listening(engine, stop, retval=True), ThreadPoolExecutor(1) as pool:
        holder.execute(text(f"SELECT pg_advisory_lock({KEY})"))
        answer = pool.submit(run)
        try:
            waiting = text(f"SELECT count(*) FROM pg_locks WHERE objid = {KEY} AND NOT granted")
            while not holder.scalar(waiting):
                assert not answer.done(), f"no statement with {condition!r}: {answer}"
            yield answer
        finally:
            holder.execute(text(f"SELECT pg_advisory_unlock({KEY})"))


@contextmanager
def _listening(engine: Engine, listener: Callable[..., Any], **options: bool) -> Iterator[None]:
    event.listen(engine, "before_cursor_execute", listener, **options)
    try:
        yield
    finally:
        event.remove(engine, "before_cursor_execute", listener)
