from __future__ import annotations

import sqlalchemy


def ask(url: str, statement: str) -> list[tuple[object, ...]]:
    """Rows of one statement, on a connection of its own."""
    engine = sqlalchemy.create_engine(url, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            result = connection.exec_driver_sql(statement)
            return [tuple(row) for row in result] if result.returns_rows else []
    finally:
        engine.dispose()
