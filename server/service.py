"""The parts of a running server, put together once; routes get them through `of`."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field

from starlette.requests import HTTPConnection, Request

from server import consent, overview, questionnaires
from server.accounts import Accounts, plain
from server.belongings import DAY_S, purge
from server.consent import Text
from server.data_dir import DataDir
from server.errors import ServerError, StartError
from server.importing import Importing
from server.ingest import Ingest
from server.jobs import Jobs
from server.passwords import Passwords
from server.problems import Problem
from server.questionnaires import Questionnaire
from server.recordings import Recordings
from server.settings import Settings
from server.store import Store, keys, once, people, sessions
from server.times import iso

SWEEP_S = 60.0  # between looks for sessions without packets; no source
SETTLE_S = 3.0  # after the start, while the first page has all cores to itself; no source

log = logging.getLogger("hiprep.server")


@dataclass(frozen=True, slots=True, eq=False)
class Service:
    """accounts None: this computer's one person, until there is a clinic."""

    settings: Settings
    data: DataDir
    store: Store
    recordings: Recordings
    ingest: Ingest
    jobs: Jobs
    importing: Importing
    accounts: Accounts | None
    questionnaires: dict[str, Questionnaire]
    consent: Text
    background: set[asyncio.Task[None]] = field(default_factory=set)

    @staticmethod
    def open(settings: Settings) -> Service:
        """Raises StartError."""
        data = DataDir(settings.data_dir)
        try:
            store = open_store(settings, data)
        except BaseException:
            data.close()
            raise
        try:
            asked = questionnaires.load(data.path / "questionnaires")
            told = consent.load(data.path / "consent.txt")
            accounts = None
            if settings.secure or settings.clinic or settings.demo or store.read(people.any_clinic):
                accounts = Accounts(store, Passwords(settings.password_cost), settings.clock)
            if settings.link_for is not None and store.read(people.by_email, plain(settings.link_for)) is None:
                raise StartError(f"nobody has the address {settings.link_for!a} here (wanted that of an account)")
        except BaseException:
            store.close()
            data.close()
            raise
        recordings = Recordings(store, data.recordings)
        parts = [part(store, recordings) for part in (Ingest, Jobs, Importing)]
        return Service(settings, data, store, recordings, *parts, accounts, asked, told)

    def iso(self) -> str:
        """Now."""
        return iso(self.settings.clock())

    async def start(self) -> None:
        """Finish what the last run did not: journals of ended sessions, recordings that were coming in."""
        await asyncio.to_thread(self.recordings.tidy)
        for session in await self.store.fetch(sessions.uncompacted):
            self.ingest.compact_later(session)
        self.jobs.start()
        self.background.add(asyncio.create_task(self._sweep()))
        if self.settings.demo is not None:
            from server import demo_clinic  # nobody else needs it

            await demo_clinic.furnish(self)
            self.background.add(asyncio.create_task(demo_clinic.fill(self)))

    async def prepare(self) -> None:
        """For many sessions at the same time."""
        await asyncio.sleep(SETTLE_S)
        self.ingest.prepare()

    async def first_link(self) -> str | None:
        """The path of a link that makes a clinic and its admin: when asked for, or while nobody can let others in; or of
        the one that was asked for."""
        if self.settings.link_for is not None:
            return f"/invitation#{await self.accounts.invite_again(self.settings.link_for)}"
        if self.accounts is None or self.settings.demo or not (self.settings.clinic or await self.store.fetch(keys.admins) == 0):
            return None
        return f"/invitation#{await self.accounts.invite_clinic()}"

    async def stop(self) -> None:
        for task in self.background:
            task.cancel()
        await self.jobs.stop()
        await self.ingest.close()
        self.close()

    async def _sweep(self) -> None:
        """Every minute, the first time at once; what is old once a day."""
        day = None
        while True:
            try:
                if self.settings.keep_days is not None and (today := self.settings.clock() // DAY_S) != day:
                    await purge(self, self.settings.keep_days)
                    day = today
                await overview.prepare(self.store, self.settings.clock())
                await self.store.write(once.forget, iso(self.settings.clock() - DAY_S))
                await asyncio.sleep(SWEEP_S)
                await self.ingest.sweep(self.settings.clock(), 3600 * self.settings.idle_hours)
            except (ServerError, Problem) as error:
                log.error("what is done every minute was not: %s", error)
                await asyncio.sleep(SWEEP_S)

    def close(self) -> None:
        self.store.close()
        self.data.close()


def open_store(settings: Settings, data: DataDir) -> Store:
    if settings.database is not None:
        return Store(settings.database)
    return Store(data.database, max_mb=settings.max_database_mb)


def of(connection: HTTPConnection) -> Service:
    return connection.app.state.service


def base_url(request: Request) -> str:
    """Where people find this server."""
    return of(request).settings.url or str(request.base_url).rstrip("/")
