"""What the server remembers. The only place with SQL: the same on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from server.errors import ServerError, StartError, StoreFull
from server.store.backend import backend_of
from server.store.writer import Writer

T = TypeVar("T")


class Store:
    """Jobs are functions of journal.py and sessions.py; their first argument is the connection."""

    def __init__(self, database: Path | str, **limits: Any) -> None:
        """database: SQLite's file, or a PostgreSQL URL. Raises StartError."""
        self._backend = backend_of(database, **limits)
        self._writer = Writer(self._backend)
        try:
            self._writer.submit(migrate).result()
            self.warnings = self._writer.submit(self._backend.warnings).result()
        except (ServerError, SQLAlchemyError) as error:
            self._writer.close()
            raise StartError(f"database {self._backend.where} cannot be used ({error})") from error
        self._readers = self._backend.reading_engine()

    @property
    def alive(self) -> bool:
        """The thread that writes."""
        return self._writer.alive

    async def write(self, job: Callable[..., T], *args: Any) -> T:
        """Runs in the writer's thread; returns when its commit is on disk."""
        return await asyncio.wrap_future(self._writer.submit(lambda connection: job(connection, *args)))

    async def compact(self) -> None:
        """What was deleted leaves the database's files as well. Nobody writes meanwhile."""
        await asyncio.wrap_future(self._writer.compact())

    def read(self, job: Callable[..., T], *args: Any) -> T:
        """Blocks: for worker threads."""
        try:
            with self._readers.connect() as connection:
                return job(connection, *args)
        except DBAPIError as error:
            raise self._backend.as_store_error(error) from error

    async def fetch(self, job: Callable[..., T], *args: Any) -> T:
        return await asyncio.to_thread(self.read, job, *args)

    def close(self) -> None:
        self._readers.dispose()  # before the writer: the last one to leave checkpoints
        self._writer.close()


def migrate(connection: Connection, revision: str = "head", *, down: bool = False) -> None:
    """Bring the tables to what schema.py says, or to an older revision ("base": none), from above with `down`."""
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    try:
        (command.downgrade if down else command.upgrade)(config, revision)
    except CommandError as error:
        raise StartError(f"made by a newer hiprep: {error}") from error


__all__ = ["Store", "StoreFull"]
