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
            store = Store(data.database, settings.max_database_mb)
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


def of(connection: HTTPConnection) -> Service:
    return connection.app.state.service
