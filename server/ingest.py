"""Packets in: checked, journalled, acknowledged, counted, shown. In that order."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, true

from processing.errors import ProcessingError
from processing.tracker import Tracker
from sensor.devices import driver_named
from sensor.errors import PacketError, SensorError
from sensor.frames import Entry
from server.counters import Beside, Here, Process
from server.counting import Counting
from server.errors import CountingLost, StoreError, StoreLost
from server.intake import Intake
from server.problems import Problem
from server.recordings import Recordings
from server.resident import Open
from server.rows import Session
from server.store import Store, journal, people, sessions
from server.store.people import Person
from server.times import iso

QUIET_S = 900.0  # without packets for so long: a session's memory is freed; no source
# A session that never ends, of a band that was forgotten on the table, is ended: its recording is made in memory, 0.1 KB a
# sample. 12 h at 100 Hz; no source.
MOST_SAMPLES = 4_320_000
AT_ONCE = 1000  # packets of a journal in memory while it is counted again; no source
BEHIND = 100  # packets that are stored and not yet counted, before no more of a session is taken; 10 s, no source
FEW = 16  # sessions: a tenth of a core; what comes to more is counted in a process of its own

P, T = ParamSpec("P"), TypeVar("T")
log = logging.getLogger("hiprep.server")


class Ended(Problem):
    def __init__(self) -> None:
        super().__init__(409, "the session has ended", "path.session_id")


@dataclass(frozen=True, slots=True)
class Ack:
    """All packets of `epoch` up to index `acknowledged` are on disk (None: the first is missing)."""

    epoch: int
    acknowledged: int | None
    stored: int
    duplicates: int


class Ingest:
    def __init__(self, store: Store, recordings: Recordings) -> None:
        self._store, self._recordings = store, recordings
        self.intake = Intake(store)
        self._process = Process(self.intake.counted)
        self._open: dict[str, asyncio.Future[Open]] = {}
        self._compacting: dict[str, asyncio.Task[None]] = {}

    @property
    def residents(self) -> int:
        return len(self._open)

    def resident(self, session_id: str) -> Open | None:
        """The session if it is in memory: what a list can show without work."""
        future = self._open.get(session_id)
        there = future and future.done() and not future.cancelled() and future.exception() is None  # else it is about to go
        return future.result() if there else None

    def prepare(self) -> None:
        """For many sessions, so that none of them waits for what counts them."""
        self._process.prepare()

    async def create(
        self, values: dict[str, Any], patient: Person | None = None, at: str | None = None
    ) -> tuple[Session, bool]:
        """The session with this key of this patient, and whether it is new; Problem for what can never be counted."""
        _check(values)
        if patient is not None:  # what one patient's client calls its session is nobody else's affair
            key = hashlib.sha256(f"{patient.id} {values['key']}".encode()).hexdigest()
            values = values | {"key": key, "patient": patient.number}
        session, new = await self._store.write(_create, values, patient, at)
        different = [name for name in values if name not in ("key", "battery_percent") and getattr(session, name) != values[name]]
        if different:
            raise Problem(409, "this key belongs to a session that is different", f"body.{different[0]}")
        return session, new

    async def opened(self, session_id: str) -> Open:
        """A session that takes packets, re-counted from its journal if it is not in memory."""
        future = self._open.get(session_id)
        if future is None:
            future = self._open[session_id] = asyncio.ensure_future(self._reopen(session_id, few=len(self._open) < FEW))
            future.add_done_callback(lambda done: self._forget_failed(session_id, done))
        return await asyncio.shield(future)

    async def ask(self, session_id: str, what: Callable[Concatenate[Counting, P], T], *args: P.args, **kwargs: P.kwargs) -> tuple[Session, T]:
        """Of a session that takes packets, after all that are stored."""

        async def asked() -> tuple[Session, T]:
            while True:
                found = await self.opened(session_id)
                if found.ending and not found.forgotten:  # some may have read already that it has ended
                    async with found.lock:
                        continue
                if not found.forgotten:
                    with self._forgetting(found, CountingLost):
                        await found.count(len(found.due))
                        return found.session, await found.counter.ask(what, *args, **kwargs)

        return await _twice(asked)

    async def look(self, found: Open) -> None:
        """So that its state is of now, for who begins to watch."""
        with contextlib.suppress(CountingLost), self._forgetting(found, CountingLost):
            found.hear(await found.counter.ask(Counting.news, (), True))

    async def put(self, session_id: str, entries: Sequence[Entry]) -> Ack:
        """Returns when they are on disk; they are counted next. Raises Problem or StoreError, and then none of them is."""
        async with self._changing(session_id) as found:
            _check_packets(found, entries)
            try:
                stored = await self.intake.append(found.session, entries, found.order.epoch)
            except BaseException as error:
                if not isinstance(error, StoreError) or isinstance(error, StoreLost):
                    self._forget(found)  # they may be stored; otherwise nothing is, and nothing has been counted yet
                raise
            if found.session.idle_since is not None:
                found.session = replace(found.session, idle_since=None)
            found.last_packet = time.monotonic()
            found.due += found.order.take(entries)
            if found.counting is None or found.counting.done():
                found.counting = asyncio.create_task(self._count(found))
            return Ack(found.order.epoch, found.order.acknowledged, stored, len(entries) - stored)

    async def end(self, session_id: str) -> None:
        """Once ended, ending again changes nothing."""
        try:
            session: Session | None = await _twice(lambda: self._end(session_id))
        except Ended:  # perhaps by a request that was cancelled before it came to the next line
            session = await self._store.fetch(sessions.find, session_id)
        if session:
            self.compact_later(session)

    async def _end(self, session_id: str) -> Session:
        async with self._changing(session_id) as found:
            with self._forgetting(found):
                found.due += found.order.rest()
                await found.count()
                news, result = await found.counter.ask(Counting.finished)
                found.ending = True
                await self._store.write(sessions.end, found.session.number, result)
            found.ended = True
            self._open.pop(session_id, None)
            found.counter.drop()
            found.hear(news)
            return found.session

    async def say(self, session_id: str, text: str, by: str) -> None:
        """To the pages that watch."""
        found = await self.opened(session_id)
        found.message = {"number": 1 + (found.message["number"] if found.message else 0), "text": text, "by": by}
        found.tell([])

    def compact_later(self, session: Session) -> None:
        """One at a time: a second could read the journal when the first has just removed it."""
        if session.id not in self._compacting:
            task = self._compacting[session.id] = asyncio.create_task(self._compact(session))
            task.add_done_callback(lambda _done: self._compacting.pop(session.id))

    async def sweep(self, at_s: float, idle_s: float, quiet_s: float = QUIET_S) -> None:
        """Free the memory of sessions that get no packets, and end those that have got none for idle_s, or that are too long;
        at_s: since 1970."""
        for session in await self._store.fetch(sessions.unfinished, true()):
            try:
                await self._look_after(session, at_s, idle_s, quiet_s)
            except Problem as error:  # others have their turn
                log.error("session %s stays as it is: %s", session.id, error.detail)

    async def _look_after(self, session: Session, at_s: float, idle_s: float, quiet_s: float) -> None:
        found = self.resident(session.id)
        if found and found.samples >= MOST_SAMPLES:
            log.warning("session %s is ended: it has %d samples", session.id, found.samples)
            await self.end(session.id)
            return
        if found and not found.is_quiet(quiet_s):
            return
        if session.idle_since is None:
            await self._store.write(sessions.idle, session.number, iso(at_s))
        elif session.idle_since <= iso(at_s - idle_s):
            log.warning("session %s is ended: it has got no packets since %s", session.id, session.idle_since)
            await self.end(session.id)
            return
        if found and not found.lock.locked() and self.resident(session.id) is found:
            if found.channel:  # a page watches
                found.session = replace(found.session, idle_since=session.idle_since or iso(at_s))
            else:
                self._forget(found)

    async def settle(self) -> None:
        """Wait for what still runs in the background."""
        while self._compacting:
            await asyncio.gather(*self._compacting.values(), return_exceptions=True)

    async def close(self) -> None:
        await self.settle()
        for session_id in list(self._open):
            if found := self.resident(session_id):
                await found.counted()
        await self._process.close()

    @contextlib.asynccontextmanager
    async def _changing(self, session_id: str) -> AsyncIterator[Open]:
        while True:
            found = await self.opened(session_id)
            async with found.lock:
                if len(found.due) > BEHIND:
                    await found.counted()
                if found.forgotten:  # while we waited
                    continue
                if found.ended:
                    raise Ended()
                yield found
                return

    @contextlib.contextmanager
    def _forgetting(self, found: Open, after: type[BaseException] = BaseException) -> Iterator[None]:
        """If it goes wrong in between, memory is not what the journal says."""
        try:
            yield
        except after:
            self._forget(found)
            raise

    def _forget(self, found: Open) -> None:
        """It is counted again when somebody asks for it."""
        if not found.forgotten:
            found.forgotten = True
            self._open.pop(found.session.id, None)
            found.counter.drop()
            found.channel.drop()

    async def _count(self, found: Open) -> None:
        """Nobody waits for it who only sends."""
        try:
            with self._forgetting(found):
                await found.count()
        except Exception as error:  # it is counted again, and who asks for that is told what is wrong
            log.error("session %s is not counted: %s", found.session.id, error, exc_info=not isinstance(error, CountingLost))

    async def _reopen(self, session_id: str, few: bool) -> Open:
        session = await self._store.fetch(sessions.find, session_id)
        if session is None:
            raise Problem(404, f"no session {session_id}", "path.session_id")
        if session.ended_at is not None:
            raise Ended()
        try:
            found = Open(session, Here(session) if few else await Beside.begun(self._process, session))
            await asyncio.to_thread(self._store.read, self._recount, found, asyncio.get_running_loop())
            found.hear(await found.counter.ask(Counting.news, (), True))
            return found
        except (ProcessingError, SensorError) as error:  # begun under another version, which knew the exercise or the band
            raise Problem(409, f"this server cannot count the session: {error}", "path.session_id") from error
        except CountingLost as error:
            raise _again(error) from error

    def _recount(self, connection: Connection, found: Open, loop: asyncio.AbstractEventLoop) -> None:
        entries = journal.read(connection, found.session.number)
        while some := list(islice(entries, AT_ONCE)):
            found.due = found.order.take(some)
            asyncio.run_coroutine_threadsafe(found.count(), loop).result()

    def _forget_failed(self, session_id: str, done: asyncio.Future) -> None:
        if done.cancelled() or done.exception() is not None:
            self._open.pop(session_id, None)

    async def _compact(self, session: Session) -> None:
        try:
            if not await self._store.fetch(journal.count, session.number):
                return
            name = await asyncio.to_thread(self._recordings.write, session)
            await self._store.write(_replace_journal, session.number, name)
        except Exception as error:  # the journal stays, and the next start tries again
            log.error("session %s keeps its journal: %s", session.id, error)


async def _twice(ask: Callable[[], Awaitable[T]]) -> T:
    """A process that counts may be killed; another one counts again."""
    try:
        return await ask()
    except CountingLost:
        try:
            return await ask()
        except CountingLost as error:
            raise _again(error) from error


def _again(error: CountingLost) -> Problem:
    return Problem(503, str(error), headers={"Retry-After": "5"})


def _check(values: dict[str, Any]) -> None:
    """Build what the session will need, to see whether it can be built."""
    try:
        driver = driver_named(values["driver"])
    except SensorError as error:
        raise Problem(422, str(error), "body.driver") from error
    try:
        driver.decoder(values["info"])
    except SensorError as error:
        raise Problem(422, str(error), "body.info") from error
    try:
        Tracker(values["exercise"], values["side"], values["placement"])
    except ProcessingError as error:
        where = "body.placement" if "placement" in str(error) else "body.exercise"
        raise Problem(422, str(error), where) from error


def _check_packets(found: Open, entries: Sequence[Entry]) -> None:
    check_packet = driver_named(found.session.driver).check_packet
    for number, entry in enumerate(entries):
        try:
            check_packet(entry.packet)
        except PacketError as error:
            raise Problem(422, f"{error}, at entries[{number}]", f"entries[{number}].packet") from error
    found.order.check(entries)


def _create(connection: Connection, values: dict[str, Any], patient: Person | None, at: str | None) -> tuple[Session, bool]:
    people.still_there(connection, patient)
    return sessions.create(connection, values, at)


def _replace_journal(connection: Connection, number: int, name: str) -> None:
    sessions.compacted(connection, number, name)
    journal.remove(connection, number)
