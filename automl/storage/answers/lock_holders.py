"""Whose lock a statement waits for."""

from __future__ import annotations

from typing import Any

BLOCKERS = """
SELECT coalesce(nullif(application_name, ''), 'another client'), pid, state,
       greatest(0, extract(epoch FROM clock_timestamp() - xact_start))
FROM pg_stat_activity WHERE pid = ANY(pg_blocking_pids(%s)) ORDER BY xact_start LIMIT 3
"""


def describe_holders(connection: Any, pid: int) -> str | None:
    """Whose locks the server's process `pid` waits for, in words; None: it waits for none. `connection`: psycopg2's."""
    with connection.cursor() as cursor:
        cursor.execute(BLOCKERS, (pid,))
        rows = cursor.fetchall()
    return ", ".join(_describe(*row) for row in rows) or None


def _describe(name: str, pid: int, state: str | None, seconds: float | None) -> str:
    return (
        f"{name} (PostgreSQL's process {pid}, {state or 'state unknown'}, {float(seconds or 0):.0f} s in a transaction)"
    )
