"""Sessions and their results."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, Row, Select, insert, select, update

from server.rows import Result, Session, Tally, new_id
from server.store import parts
from server.store.schema import packets, results, sessions
from server.times import now


def create(connection: Connection, values: dict, at: str | None = None) -> tuple[Session, bool]:
    """The session of this key, and whether it is new. at: now, unless said."""
    if (found := with_key(connection, values["key"])) is not None:
        return found, False
    row = connection.execute(insert(sessions).values({"id": new_id(), "created_at": at or now()} | values).returning(sessions))
    return _session(row.one()), True


def with_key(connection: Connection, key: str) -> Session | None:
    row = connection.execute(select(sessions).where(sessions.c.key == key)).one_or_none()
    return row and _session(row)


def find(connection: Connection, session_id: str, visible: ColumnElement[bool] | None = None) -> Session | None:
    """visible: a condition that it must meet as well."""
    statement = select(sessions).where(sessions.c.id == session_id)
    row = connection.execute(statement if visible is None else statement.where(visible)).one_or_none()
    return row and _session(row)


def newest(
    connection: Connection, visible: ColumnElement[bool], limit: int, before: str | None = None
) -> list[tuple[Session, Tally | None]]:
    """A page of the list, newest first; `before` is the last id of the page before."""
    last = select(results.c.session, results.c.number).where(results.c.number == _newest_result()).subquery()
    statement = (
        select(sessions, results.c.counted, results.c.good, results.c.compensated, results.c.partial)
        .outerjoin(last, last.c.session == sessions.c.number)
        .outerjoin(results, results.c.number == last.c.number)
        .where(visible)
        .order_by(sessions.c.id.desc())
        .limit(limit)
    )
    if before is not None:
        statement = statement.where(sessions.c.id < before)
    columns = len(sessions.columns)
    return [
        (Session(*row[:columns]), None if row.counted is None else Tally(*row[columns:]))
        for row in connection.execute(statement)
    ]


def unfinished(connection: Connection, visible: ColumnElement[bool]) -> list[Session]:
    return _all(connection, select(sessions).where(sessions.c.ended_at.is_(None), visible).order_by(sessions.c.id.desc()))


def of_patient(connection: Connection, patient: int) -> list[Session]:
    """Oldest first."""
    return _all(connection, select(sessions).where(sessions.c.patient == patient).order_by(sessions.c.id))


def uncompacted(connection: Connection) -> list[Session]:
    """Ended sessions that still have a journal."""
    journalled = select(packets.c.session).where(packets.c.session == sessions.c.number).exists()
    return _all(connection, select(sessions).where(sessions.c.ended_at.is_not(None), journalled))


def idle(connection: Connection, number: int, since: str | None) -> None:
    """None: it gets packets again."""
    connection.execute(update(sessions).where(sessions.c.number == number).values(idle_since=since))


def end(connection: Connection, number: int, result: Result) -> None:
    connection.execute(update(sessions).where(sessions.c.number == number).values(ended_at=now()))
    add_result(connection, number, result)


def add_result(connection: Connection, number: int, result: Result) -> None:
    """From now on the one that is shown."""
    values = {name: getattr(result, name) for name in Result.__slots__}
    connection.execute(insert(results).values(session=number, **values))
    parts.renew(connection, number)


def compacted(connection: Connection, number: int, recording: str) -> None:
    connection.execute(update(sessions).where(sessions.c.number == number).values(recording=recording))


def result(connection: Connection, number: int) -> Result | None:
    columns = [results.c[name] for name in Result.__slots__]
    row = connection.execute(
        select(*columns).where(results.c.session == number).order_by(results.c.number.desc()).limit(1)
    ).one_or_none()
    return row and Result(*row)


def since(patient: int, first: int) -> Select:
    """The numbers of a patient's sessions from this one on."""
    return select(sessions.c.number).where(sessions.c.patient == patient, sessions.c.number >= first)


def documents(connection: Connection, those: Select) -> dict[int, str]:
    """Each session's newest, of those that have one. those: their numbers, as of `since`."""
    statement = select(results.c.session, results.c.document).where(results.c.session.in_(those), results.c.number == _newest_result())
    return {session: document for session, document in connection.execute(statement) if document}


def _newest_result():
    """The number of the newest result of the session in the enclosing row."""
    other = results.alias("other")
    return (
        select(other.c.number)
        .where(other.c.session == results.c.session)
        .order_by(other.c.number.desc())
        .limit(1)
        .correlate(results)
        .scalar_subquery()
    )


def _all(connection: Connection, statement: Select) -> list[Session]:
    return [_session(row) for row in connection.execute(statement)]


def _session(row: Row) -> Session:
    return Session(*row)
