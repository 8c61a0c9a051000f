"""Which database: a file is SQLite's, a URL PostgreSQL's. What is particular to each is one value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from server.errors import StoreError


@dataclass(frozen=True, slots=True)
class Backend:
    """where: for messages, without password · lives: can the transaction of this connection still be used?

    warnings: what to say at start, of the connection that writes. compact: what was deleted leaves the files, too; the
    connection is the driver's, outside of a transaction.
    """

    where: str
    writing_engine: Callable[[], Engine]
    reading_engine: Callable[[], Engine]
    lives: Callable[[Connection], bool]
    warnings: Callable[[Connection], list[str]]
    compact: Callable[[Any], None]
    as_store_error: Callable[[DBAPIError], StoreError]


def backend_of(database: Path | str, **limits: Any) -> Backend:
    """limits: max_mb, of SQLite."""
    if isinstance(database, Path):
        from server.store import sqlite

        return sqlite.backend(database, **limits)
    from server.store import postgresql

    return postgresql.backend(database)
