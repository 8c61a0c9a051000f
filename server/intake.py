"""Packets of all sessions on their way to the disk: one statement a commit, however many sessions send."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from sensor.frames import Entry
from server.errors import StoreFull, StoreLost
from server.rows import Session
from server.store import Store, journal, sessions
from server.store.journal import Append
from server.store.writer import MAX_WINDOW_S, WINDOW_PER_COMMIT  # a round waits as commits do

# Beyond what a server keeps up with, each round brings what came during the one before and takes longer than that. Late
# is well above the 0.4 s in which packets are to be acknowledged, and well below the 10 s that clients wait.
LATE_S = 1.5
SHED = 0.1  # of the sockets, each round that is late; no source


@dataclass(slots=True, eq=False)
class _New:
    append: Append
    idle: bool  # the session was taken for one without packets
    stored: asyncio.Future[int]
    since: float = field(default_factory=time.monotonic)


class Intake:
    """round_s: how long the last round took, from the first frame's coming to its commit or between two rounds, or the last
    round of counting, whichever was longest: what everybody who sends has to wait."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._new: list[_New] = []
        self._task: asyncio.Task[None] | None = None
        self._commit_s = self._count_s = 0.0
        self.packets = self.commits = 0  # since the start
        self._senders: dict[asyncio.Event, None] = {}  # sockets that packets come over, the newest last

    @property
    def senders(self) -> int:
        return len(self._senders)

    @property
    def round_s(self) -> float:
        return max(self._commit_s, self._count_s)

    @property
    def late(self) -> bool:
        """More comes than can be done."""
        return self.round_s > LATE_S

    @contextlib.contextmanager
    def sender(self) -> Iterator[asyncio.Event]:
        """Of a socket: an event that is set when it is to leave, so that the others are served in time."""
        event = asyncio.Event()
        self._senders[event] = None
        try:
            yield event
        finally:
            self._senders.pop(event, None)

    async def append(self, session: Session, entries: Sequence[Entry], open_epoch: int) -> int:
        """How many were new, once they are on disk. Raises StoreError: none is (or, StoreLost, perhaps)."""
        stored: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        new = Append(session.number, entries, open_epoch)
        self._new.append(_New(new, session.idle_since is not None, stored))
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        return await stored

    async def _run(self) -> None:
        before: float | None = None
        while self._new:
            group, self._new = self._new, []
            began = time.monotonic()
            await self._commit(group)
            now = time.monotonic()
            self._commit_s = max(now - group[0].since, 0.0 if before is None else began - before)
            before = began
            self._shed()
            if len(group) > 1:
                await asyncio.sleep(min(MAX_WINDOW_S, WINDOW_PER_COMMIT * (now - began)))
            else:
                await asyncio.sleep(0)
        self._task, self._commit_s = None, 0.0

    def counted(self, round_s: float) -> None:
        """So long it took to count what had been stored meanwhile."""
        self._count_s = round_s
        self._shed()

    def _shed(self) -> None:
        """The newest go first: whoever has begun may end."""
        if self.late:
            for _ in range(math.ceil(SHED * len(self._senders))):
                self._senders.popitem()[0].set()

    async def _commit(self, group: list[_New]) -> None:
        try:
            await self._store.write(_append_new, [one.append for one in group], [one for one in group if one.idle])
            outcomes: list[int | BaseException] = [len(one.append.entries) for one in group]
        except (StoreFull, StoreLost) as error:
            outcomes = [error] * len(group)
        except Exception:  # of one of them, such as a packet that came twice: each by itself
            jobs = [self._store.write(_append, one.append, one.idle) for one in group]
            outcomes = await asyncio.gather(*jobs, return_exceptions=True)
        self.commits += 1
        for one, outcome in zip(group, outcomes, strict=True):
            if one.stored.done():  # whoever waited has left
                continue
            if isinstance(outcome, int):
                self.packets += outcome
                one.stored.set_result(outcome)
            else:
                one.stored.set_exception(outcome)


def _append_new(connection: Connection, several: Sequence[Append], idle: Sequence[_New]) -> None:
    for one in idle:
        sessions.idle(connection, one.append.session, None)
    journal.append_new(connection, several)


def _append(connection: Connection, new: Append, idle: bool) -> int:
    if idle:
        sessions.idle(connection, new.session, None)
    return journal.append(connection, *new)
