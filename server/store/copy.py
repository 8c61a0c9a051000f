"""All rows of all tables as lines of JSON, and back: the same from either database, whatever version made the tables."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from sqlalchemy import Connection, LargeBinary, MetaData, Table, func, insert, inspect, select, text

from server.errors import BackupError
from server.store import migrate

REVISION = "alembic_version"  # the table that says it
AT_ONCE = 500  # rows; no source
Columns = list[tuple[str, bool]]  # name, whether it holds bytes, which are base64 in JSON


def revision(connection: Connection) -> str:
    return connection.execute(text(f"SELECT version_num FROM {REVISION}")).scalar_one()


def tables(connection: Connection) -> dict[str, Columns]:
    """None before one that it refers to."""
    return {
        table.name: [(column.name, isinstance(column.type, LargeBinary)) for column in table.columns]
        for table in _tables(connection)
    }


def lines(connection: Connection, name: str) -> Iterator[bytes]:
    """A table's rows, by its key."""
    table = Table(name, MetaData(), autoload_with=connection)
    rows = select(table).order_by(*table.primary_key).execution_options(yield_per=AT_ONCE)
    for row in connection.execute(rows):
        plain = [base64.b64encode(value).decode() if isinstance(value, bytes) else value for value in row]
        yield json.dumps(plain, separators=(",", ":")).encode() + b"\n"


def fill(
    connection: Connection, at: str, columns: dict[str, Columns], lines_of: Callable[[str], Iterable[bytes]]
) -> None:
    """An empty database: the tables as they were at that revision, their rows, and then as this version has them."""
    if there := inspect(connection).get_table_names():
        raise BackupError(f"the database is not empty (wanted no tables, got {there[0]})")
    migrate(connection, at)
    for table in _tables(connection):
        some: list[dict[str, Any]] = []
        for line in lines_of(table.name):
            some.append(_row(line, columns[table.name]))
            if len(some) == AT_ONCE:
                connection.execute(insert(table), some)
                some = []
        if some:
            connection.execute(insert(table), some)
        if connection.dialect.name == "postgresql" and "number" in table.columns:
            sequence = func.pg_get_serial_sequence(table.name, "number")
            connection.execute(select(func.setval(sequence, func.max(table.c.number))))
    migrate(connection)


def _row(line: bytes, columns: Columns) -> dict[str, Any]:
    values = zip(columns, json.loads(line), strict=True)
    return {name: base64.b64decode(v) if is_bytes and v is not None else v for (name, is_bytes), v in values}


def _tables(connection: Connection) -> list[Table]:
    metadata = MetaData()
    metadata.reflect(connection)
    return [table for table in metadata.sorted_tables if table.name != REVISION]
