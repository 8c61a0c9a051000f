"""PostgreSQL as this store wants it, and what its errors mean."""

from __future__ import annotations

import functools
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from server.errors import StartError, StoreError, StoreFull, StoreLost
from server.store.backend import Backend

READERS = 4  # connections that read at the same time; no source
LOCK = 0x68697072  # advisory lock: one server a database ("hipr")
LOCK_WAIT_S = 5  # a killed server's connection may take a moment to be noticed; no source
# A dead network is noticed, instead of a commit that waits for ever; seconds and milliseconds, no source.
REACH = {"connect_timeout": 5, "tcp_user_timeout": 10_000, "client_encoding": "utf8"}
DISK_FULL, LOCK_NOT_AVAILABLE = "53100", "55P03"  # SQLSTATE


def backend(database: str) -> Backend:
    try:
        url = make_url(database).set(drivername="postgresql+psycopg")
    except (ArgumentError, ValueError) as error:
        raise StartError("database is not a URL (wanted postgresql://USER@HOST:PORT/NAME, got something else)") from error
    return Backend(
        where=url.set(drivername="postgresql", query={}).render_as_string(hide_password=True),
        writing_engine=functools.partial(_writing_engine, url),
        # A snapshot a transaction, as SQLite gives it: what is read together belongs together.
        reading_engine=functools.partial(
            _engine, url, pool_size=READERS, pool_pre_ping=True,
            isolation_level="REPEATABLE READ", execution_options={"postgresql_readonly": True},
        ),
        lives=lambda connection: not connection.invalidated,
        warnings=_warnings,
        compact=lambda connection: None,  # autovacuum's, as its administrator has set it
        as_store_error=_as_store_error,
    )  # fmt: skip


def _engine(url: URL, **pool: Any) -> Engine:
    return create_engine(url, hide_parameters=True, connect_args=REACH, max_overflow=0, **pool)


def _writing_engine(url: URL) -> Engine:
    """One connection, used by one thread, whose commits are on disk when they return."""
    engine = _engine(url, pool_size=1)

    @event.listens_for(engine, "connect")
    def connected(connection: Any, _record: object) -> None:
        """connection: psycopg's."""
        connection.autocommit = True
        encoding = connection.info.parameter_status("server_encoding")
        if encoding != "UTF8":
            raise StoreError(f"the database does not keep every character (wanted encoding UTF8, got {encoding})")
        if _shown(connection, "synchronous_commit") == "off":  # all else is as safe or safer
            connection.execute("SET synchronous_commit = on")
        _lock(connection)
        connection.autocommit = False

    return engine


def _lock(connection: Any) -> None:
    connection.execute(f"SET lock_timeout = '{LOCK_WAIT_S}s'")
    try:
        connection.execute("SELECT pg_advisory_lock(%s)", [LOCK])
    except Exception as error:
        if getattr(error, "sqlstate", None) == LOCK_NOT_AVAILABLE:
            raise StoreError("in use (wanted one server a database, got a second)") from error
        raise
    connection.execute("RESET lock_timeout")


def _shown(connection: Any, setting: str) -> str:
    return connection.execute(f"SHOW {setting}").fetchone()[0]


def _warnings(connection: Connection) -> list[str]:
    """What the database's own settings would lose."""
    settings = dict(
        connection.exec_driver_sql(
            "SELECT name, reset_val FROM pg_settings WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit')"
        ).all()
    )
    lost = [name for name in ("fsync", "full_page_writes") if settings[name] == "off"]
    said = [f"{name} is off in this PostgreSQL: a power cut may take what was acknowledged" for name in lost]
    if settings["synchronous_commit"] == "off":
        said.append("synchronous_commit is off in this PostgreSQL; hiprep turns it on for what it writes")
    return said


def _as_store_error(error: DBAPIError) -> StoreError:
    if error.connection_invalidated:
        return StoreLost(f"the database went away ({_line(error)}); whether anything was stored is not known")
    if getattr(error.orig, "sqlstate", None) == DISK_FULL:
        return StoreFull("no room for the database on the disk; nothing was stored")
    return StoreError(f"the database failed ({_line(error)}); nothing was stored")


def _line(error: DBAPIError) -> str:
    """Without what the server adds in detail: that holds values of rows."""
    diagnosis = getattr(error.orig, "diag", None)
    return " ".join(str(diagnosis and diagnosis.message_primary or error.orig).split())
