"""What the server remembers. The only place with SQL: SQLite now, one more dialect later."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from server.errors import ServerError, StartError, StoreFull
from server.store.sqlite import as_store_error, reading_engine, writing_engine
from server.store.writer import Writer

T = TypeVar("T")


class Store:
    """Jobs are functions of journal.py and sessions.py; their first argument is the connection."""

    def __init__(self, path: Path, max_mb: int | None = None) -> None:
        try:
            self._writer = Writer(writing_engine(path, max_mb))
            self._writer.submit(_migrate).result()
        except (ServerError, DBAPIError, sqlite3.Error) as error:
            self._writer.close()
            raise StartError(f"database {path} cannot be used ({error})") from error
        self._readers = reading_engine(path)

    async def write(self, job: Callable[..., T], *args: Any) -> T:
        """Runs in the writer's thread; returns when its commit is on disk."""
        return await asyncio.wrap_future(self._writer.submit(lambda connection: job(connection, *args)))

    def read(self, job: Callable[..., T], *args: Any) -> T:
        """Blocks: for worker threads."""
        try:
            with self._readers.connect() as connection:
                return job(connection, *args)
        except DBAPIError as error:
            raise as_store_error(error) from error

    async def fetch(self, job: Callable[..., T], *args: Any) -> T:
        return await asyncio.to_thread(self.read, job, *args)

    def close(self) -> None:
        self._readers.dispose()  # before the writer: the last one to leave checkpoints
        self._writer.close()


def _migrate(connection: Connection) -> None:
    """Bring the tables to what schema.py says."""
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise StartError(f"made by a newer hiprep: {error}") from error


__all__ = ["Store", "StoreFull"]
