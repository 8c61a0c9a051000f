"""The parts of a running server, put together once; routes get them through `of`."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import HTTPConnection

from server.data_dir import DataDir
from server.ingest import Ingest
from server.recordings import Recordings
from server.settings import Settings
from server.store import Store, sessions


@dataclass(frozen=True, slots=True, eq=False)
class Service:
    data: DataDir
    store: Store
    recordings: Recordings
    ingest: Ingest

    @staticmethod
    def open(settings: Settings) -> Service:
        """Raises StartError."""
        data = DataDir(settings.data_dir)
        try:
            store = open_store(settings, data)
        except BaseException:
            data.close()
            raise
        recordings = Recordings(store, data.recordings)
        return Service(data, store, recordings, Ingest(store, recordings))

    async def start(self) -> None:
        """Finish what the last run did not: journals of ended sessions."""
        for session in await self.store.fetch(sessions.uncompacted):
            self.ingest.compact_later(session)

    async def stop(self) -> None:
        await self.ingest.settle()
        self.close()

    def close(self) -> None:
        self.store.close()
        self.data.close()


def open_store(settings: Settings, data: DataDir) -> Store:
    if settings.database is not None:
        return Store(settings.database)
    return Store(data.database, max_mb=settings.max_database_mb)


def of(connection: HTTPConnection) -> Service:
    return connection.app.state.service
