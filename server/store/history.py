"""What became of a session after it ended: results by version, jobs that count again, corrections by hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, func, insert, select, update

from server.rows import Result, Session, Tally, new_id
from server.store import parts
from server.store.schema import corrections, jobs, results, sessions
from server.store.sessions import add_result
from server.times import now

ATTEMPTS = 3  # a job under which the server died so often is not tried again; no source


@dataclass(frozen=True, slots=True)
class Job:
    """One session to be counted again. outcome: `counted` (a result of a version that had none), `confirmed` (the
    version's result came out again) or `differs` (it did not; the stored one stays)."""

    id: str
    state: str
    attempts: int
    made_at: str
    finished_at: str | None
    version: str | None
    outcome: str | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Correction:
    """What a person says of one repetition; see corrections.py."""

    id: str
    action: str
    at_s: float
    end_s: float | None
    label: str | None
    reason: str
    author: str
    made_at: str


def versions(connection: Connection, session: int, most: int | None = None) -> list[Result]:
    """Every result, or most of them, the newest last."""
    columns = [results.c[name] for name in Result.__slots__]
    rows = connection.execute(select(*columns).where(results.c.session == session).order_by(results.c.number.desc()).limit(most))
    return [Result(*row) for row in rows][::-1]


def heads(connection: Connection, session: int, limit: int, before: str | None = None) -> list[dict[str, Any]]:
    """Of its results, the newest first: version, made_at, tally. before: a version; those made before it."""
    columns = [results.c[name] for name in ("version", "made_at", *Tally.__slots__)]
    mine = select(*columns).where(results.c.session == session).order_by(results.c.number.desc()).limit(limit)
    if before is not None:
        that = select(results.c.number).where(results.c.session == session, results.c.version == before).scalar_subquery()
        mine = mine.where(results.c.number < that)
    return [{"version": version, "made_at": at, "tally": dict(zip(Tally.__slots__, tally, strict=True))} for version, at, *tally in connection.execute(mine)]


def document(connection: Connection, session: int, version: str) -> str | None:
    """Of this version's result."""
    one = select(results.c.document).where(results.c.session == session, results.c.version == version)
    return connection.execute(one).scalar_one_or_none()


def enqueue(connection: Connection, session: int) -> Job:
    """The job that will count it again: one that waits already, or a new one."""
    waiting = select(jobs).where(jobs.c.session == session, jobs.c.state == "queued")
    row = connection.execute(waiting).first()
    if row is None:
        values = {"id": new_id(), "session": session, "state": "queued", "attempts": 0, "made_at": now()}
        row = connection.execute(insert(jobs).values(values).returning(jobs)).one()
    return _of(Job, row)


def enqueue_all(connection: Connection) -> int:
    """Every session that has ended."""
    numbers = connection.execute(select(sessions.c.number).where(sessions.c.ended_at.is_not(None)))
    return len([enqueue(connection, number) for number in numbers.scalars().all()])


def resume(connection: Connection) -> None:
    """What ran when the last server ended, or its database failed, is to run again; unless it is what ends servers."""
    running = jobs.c.state == "running"
    again = {"state": "queued"}
    why = f"begun {ATTEMPTS} times and never finished"
    given_up = {"state": "failed", "finished_at": now(), "error": why}
    connection.execute(update(jobs).where(running, jobs.c.attempts >= ATTEMPTS).values(given_up))
    connection.execute(update(jobs).where(running).values(again))


def take(connection: Connection) -> tuple[int, Session] | None:
    """The oldest job that waits, by its number, and its session; it runs from now on."""
    first = connection.execute(
        select(jobs.c.number, jobs.c.session).where(jobs.c.state == "queued").order_by(jobs.c.number).limit(1)
    ).first()
    if first is None:
        return None
    begun = {"state": "running", "attempts": jobs.c.attempts + 1}
    connection.execute(update(jobs).where(jobs.c.number == first.number).values(begun))
    row = connection.execute(select(sessions).where(sessions.c.number == first.session)).one()
    return first.number, Session(*row)


def finish(connection: Connection, job: int, session: int, made: Result, outcome: str) -> None:
    """With its result in the same transaction, so that there is one of each."""
    if outcome == "counted":
        add_result(connection, session, made)
    done = {"state": "done", "finished_at": now(), "version": made.version, "outcome": outcome}
    connection.execute(update(jobs).where(jobs.c.number == job).values(done))


def fail(connection: Connection, job: int, error: str) -> None:
    failed = {"state": "failed", "finished_at": now(), "error": error}
    connection.execute(update(jobs).where(jobs.c.number == job).values(failed))


def unfinished(connection: Connection) -> int:
    """How many jobs wait or run."""
    states = jobs.c.state.in_(["queued", "running"])
    return connection.execute(select(func.count()).select_from(jobs).where(states)).scalar_one()


def newest_job(connection: Connection, session: int) -> Job | None:
    row = connection.execute(select(jobs).where(jobs.c.session == session).order_by(jobs.c.number.desc()).limit(1)).first()
    return row and _of(Job, row)


def correct(connection: Connection, session: int, values: dict) -> Correction:
    values = values | {"id": new_id(), "session": session, "made_at": now()}
    made = _of(Correction, connection.execute(insert(corrections).values(values).returning(corrections)).one())
    parts.renew(connection, session)
    return made


def corrections_of(connection: Connection, session: int) -> list[Correction]:
    """In the order in which they were made."""
    rows = connection.execute(select(corrections).where(corrections.c.session == session).order_by(corrections.c.number))
    return [_of(Correction, row) for row in rows]


def corrections_in(connection: Connection, those: Select) -> dict[int, list[Correction]]:
    """By the session's number, of those that have some. those: numbers of sessions."""
    found: dict[int, list[Correction]] = {}
    for row in connection.execute(select(corrections).where(corrections.c.session.in_(those)).order_by(corrections.c.number)):
        found.setdefault(row.session, []).append(_of(Correction, row))
    return found


def _of(kind: type, row: Row):
    return kind(*(getattr(row, name) for name in kind.__slots__))
