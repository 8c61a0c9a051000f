"""Group commit: one thread, one connection, and a job is done only when the commit that holds it is on disk."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from server.errors import StoreError, StoreFull, StoreLost
from server.store.backend import Backend

T = TypeVar("T")
Job = Callable[[Connection], T]

# Under load wait twice the last commit's duration, so that commits take a third of the time and not
# all of it; nobody waits longer than MAX_WINDOW_S. Alone, a job is committed at once.
MAX_WINDOW_S = 0.1  # SERVICE.md: group commit of about 100 to 200 ms
WINDOW_PER_COMMIT = 2
COMPACT: Job = lambda connection: None  # noqa: E731  in the queue: no job, but what is done between them
MAX_GROUP = 512  # jobs in one transaction; no source


class Writer:
    """`submit` a job; its future holds what it returned, after fsync, or why nothing of it was stored."""

    def __init__(self, backend: Backend) -> None:
        self._backend, self._engine = backend, backend.writing_engine()
        self._jobs: queue.SimpleQueue[tuple[Job, Future] | None] = queue.SimpleQueue()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="hiprep-writer", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def submit(self, job: Job[T]) -> Future[T]:
        if self._closed:
            raise StoreError("the database is closed; nothing was stored")
        future: Future[T] = Future()
        self._jobs.put((job, future))
        return future

    def compact(self) -> Future[None]:
        """Between two commits."""
        return self.submit(COMPACT)

    def close(self) -> None:
        """Commit what waits, then stop."""
        self._closed = True
        self._jobs.put(None)
        self._thread.join()
        self._engine.dispose()

    def _run(self) -> None:
        window, first = 0.0, self._jobs.get()
        while first is not None:
            if first[0] is COMPACT:
                self._compact(first[1])
                first = self._jobs.get()
                continue
            if window:
                time.sleep(window)
            group, following = [first], []
            while len(group) < MAX_GROUP and not self._jobs.empty():
                item = self._jobs.get()
                if item is None or item[0] is COMPACT:
                    following = [item]
                    break
                group.append(item)
            began = time.monotonic()
            self._commit(group)
            took = time.monotonic() - began
            window = min(MAX_WINDOW_S, WINDOW_PER_COMMIT * took) if len(group) > 1 else 0.0
            first = following[0] if following else self._jobs.get()

    def _compact(self, future: Future) -> None:
        if not future.set_running_or_notify_cancel():
            return
        try:
            with contextlib.closing(self._engine.raw_connection()) as connection:
                self._backend.compact(connection.dbapi_connection)
            future.set_result(None)
        except Exception as error:  # the thread must survive whatever it was
            future.set_exception(StoreError(f"the database could not be compacted ({error})"))

    def _commit(self, group: list[tuple[Job, Future]]) -> None:
        group = [(job, future) for job, future in group if future.set_running_or_notify_cancel()]
        outcomes: list[tuple[Future, Any, Exception | None]] = []
        try:
            with self._engine.connect() as connection, connection.begin():
                for job, future in group:
                    outcomes.append((future, *self._attempt(connection, job, alone=len(group) == 1)))
        except (DBAPIError, StoreError) as error:  # the commit itself, or a disk that is full: the whole group
            problem = self._backend.as_store_error(error) if isinstance(error, DBAPIError) else error
            outcomes = [(future, None, problem) for _, future in group]
        except Exception as error:  # the thread must survive whatever it was
            outcomes = [(future, None, StoreError(f"the database failed ({error!r})")) for _, future in group]
        for future, value, problem in outcomes:
            if problem is None:
                future.set_result(value)
            else:
                future.set_exception(problem)

    def _attempt(self, connection: Connection, job: Job, alone: bool) -> tuple[Any, Exception | None]:
        """What a job refuses is its own affair, a failing disk is everybody's. Among others it runs in a savepoint: each
        statement is a way to the database and back, after which this thread waits for Python's lock again."""
        if not alone:
            connection.exec_driver_sql("SAVEPOINT job")
        try:
            value, problem = job(connection), None
        except Exception as error:
            value, problem = None, self._backend.as_store_error(error) if isinstance(error, DBAPIError) else error
            if isinstance(problem, StoreFull | StoreLost) or not self._backend.lives(connection):
                raise problem from error
            if alone:
                connection.get_transaction().rollback()
            else:
                connection.exec_driver_sql("ROLLBACK TO SAVEPOINT job")
        if not alone:
            connection.exec_driver_sql("RELEASE SAVEPOINT job")
        return value, problem
