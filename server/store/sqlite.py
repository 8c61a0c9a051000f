"""SQLite as this store wants it, and what its errors mean."""

from __future__ import annotations

import functools
import sqlite3
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool, StaticPool

from server.errors import StoreError, StoreFull
from server.store.backend import Backend

# WAL-reset corruption (SERVICE.md, Storage): first and last release that has it.
AFFECTED = (3, 7, 0), (3, 51, 2)
READERS = 4  # connections that read at the same time; no source


def backend(path: Path, max_mb: int | None = None) -> Backend:
    """max_mb: refuse to grow the database beyond it."""
    limit = [] if max_mb is None else [f"max_page_count={max_mb * 256}"]  # pages of 4096 bytes, SQLite's default
    durable = ["journal_mode=WAL", "synchronous=FULL", *limit]
    return Backend(
        where=str(path),
        # One connection, used by one thread: it alone writes and checkpoints.
        writing_engine=functools.partial(_engine, path, durable, poolclass=StaticPool),
        reading_engine=functools.partial(
            _engine, path, ["query_only=ON"], poolclass=QueuePool, pool_size=READERS, max_overflow=0
        ),
        lives=lambda connection: connection.connection.dbapi_connection.in_transaction,
        warnings=_warnings,
        compact=_compact,
        as_store_error=_as_store_error,
    )


def version_warning(version: tuple[int, ...] = sqlite3.sqlite_version_info) -> str | None:
    """What to say at start about the SQLite that Python links, if anything."""
    if not AFFECTED[0] <= tuple(version) <= AFFECTED[1]:
        return None
    return (
        f"SQLite {'.'.join(map(str, version))} has the WAL-reset bug (fixed in 3.51.3);"
        " hiprep writes and checkpoints through one connection, which avoids it; update when you can"
    )


def _engine(path: Path, pragmas: list[str], **pool: object) -> Engine:
    url = URL.create("sqlite", database=str(path))
    engine = create_engine(url, hide_parameters=True, connect_args={"check_same_thread": False, "timeout": 5}, **pool)

    @event.listens_for(engine, "connect")
    def connected(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # transactions begin where we say, not where the driver guesses
        for pragma in ["foreign_keys=ON", "mmap_size=0", *pragmas]:
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begins(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    return engine


def _compact(connection: sqlite3.Connection) -> None:
    """Deleted rows stay in free pages and in the log until these are written anew."""
    connection.execute("VACUUM")
    if connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
        raise sqlite3.OperationalError("somebody reads for too long: the log is not emptied")


def _warnings(_connection: Connection) -> list[str]:
    warning = version_warning()
    return [warning] if warning else []


def _as_store_error(error: DBAPIError) -> StoreError:
    if getattr(error.orig, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL:
        return StoreFull("no room for the database on the disk; nothing was stored")
    return StoreError(f"the database failed ({error.orig}); nothing was stored")
