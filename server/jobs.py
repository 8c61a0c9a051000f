"""Recordings counted again by the present code, one after the other beside everything else that the server does."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging

from sqlalchemy import Connection

from server.difference import any_of, difference
from server.errors import StoreError
from server.recordings import Recordings
from server.rows import Result, Session
from server.store import Store, history
from server.store.history import Job

log = logging.getLogger("hiprep.server")
AGAIN_S = 5.0  # until a database that failed is asked again; no source


class Jobs:
    """One at a time: counting takes Python's lock, and live sessions go first.

    A job is a row before anybody is told of it, and done in the transaction that stores its result; one that ran when
    the server was killed runs again.
    """

    def __init__(self, store: Store, recordings: Recordings) -> None:
        self._store, self._recordings = store, recordings
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._stopping = False

    def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """The job that runs is finished; those that wait, wait for the next start."""
        self._stopping = True
        self._news.set()
        if self._task is not None:
            await self._task

    async def count_again(self, session: Session) -> Job:
        job = await self._store.write(history.enqueue, session.number)
        self._news.set()
        return job

    async def next(self) -> Session | None:
        """Do the oldest job that waits, if any does; whose it was."""
        found = await self._store.write(history.take)
        if found is None:
            return None
        number, session = found
        try:
            made = await asyncio.to_thread(self._recordings.count, session)
            outcome = await self._store.fetch(_outcome, session, made)
        except StoreError:
            raise
        except Exception as error:  # of the recording, or of the code that counts: the next one may be well
            log.error("session %s cannot be counted again: %s", session.id, error)
            await self._store.write(history.fail, number, str(error) or repr(error))
            return session
        if outcome == "differs":
            log.error("session %s: version %s does not count what it counted before", session.id, made.version)
        await self._store.write(history.finish, number, session.number, made, outcome)
        return session

    async def _run(self) -> None:
        while not self._stopping:
            self._news.clear()
            again_s = None
            try:
                await self._store.write(history.resume)
                while not self._stopping and await self.next():
                    pass
            except StoreError as error:
                log.error("jobs wait: %s", error)
                again_s = AGAIN_S
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(again_s):
                    await self._news.wait()


def _outcome(connection: Connection, session: Session, made: Result) -> str:
    there = [result for result in history.versions(connection, session.number) if result.version == made.version]
    if not there:
        return "counted"
    found = difference(json.loads(there[0].document), json.loads(made.document))
    return "differs" if any_of(found) else "confirmed"
