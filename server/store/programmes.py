"""Programmes, what was done of them, what patients say of sessions, and the overviews made of it all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Select, delete, func, insert, select, update

from server.attention import Report
from server.programme import Done, Item, Programme
from server.store.schema import assignments, items, overviews, parts, people, programmes, reports, sessions

EARLY, LATE = timedelta(1), timedelta(60)  # how far a session's begin may lie after and before its arrival to be believed
AT_ONCE = 500  # values of one `in`


def add(connection: Connection, patient: int, made_by: int, at: str, new: Programme) -> int:
    """The version that it became."""
    newest = select(func.max(programmes.c.version)).where(programmes.c.patient == patient)
    version = (connection.execute(newest).scalar_one() or 0) + 1
    values = {name: getattr(new, name) for name in ("quiet_days", "pain_stop", "note")}
    values |= {"patient": patient, "version": version, "starts_on": new.starts_on.isoformat()}
    statement = insert(programmes).values(**values, made_at=at, made_by=made_by).returning(programmes.c.number)
    number = connection.execute(statement).scalar_one()
    for position, item in enumerate(new.items):
        row = {name: getattr(item, name) for name in Item.__slots__}
        connection.execute(insert(items).values(programme=number, position=position, **row))
    forget(connection, patient)
    return version


def of_patients(connection: Connection, patients: Sequence[int]) -> dict[int, list[Programme]]:
    """All versions, the oldest first."""
    heads, mine = [], {}
    for some in _slices(patients):
        order = programmes.c.patient, programmes.c.version
        heads += connection.execute(select(programmes).where(programmes.c.patient.in_(some)).order_by(*order))
    for some in _slices([head.number for head in heads]):
        for row in connection.execute(select(items).where(items.c.programme.in_(some)).order_by(*items.primary_key)):
            mine.setdefault(row.programme, []).append(Item(*row[2:]))
    found: dict[int, list[Programme]] = {number: [] for number in patients}
    for head in heads:
        told = head.version, date.fromisoformat(head.starts_on), head.quiet_days, head.pain_stop, head.note, head.made_at
        found[head.patient].append(Programme(*told, tuple(mine.get(head.number, ()))))
    return found


def done_by(connection: Connection, patients: Sequence[int], zone: ZoneInfo) -> dict[int, list[Done]]:
    """Oldest first, on days of this time zone."""
    found: dict[int, list[Done]] = {number: [] for number in patients}
    for some in _slices(patients):
        statement = (
            select(sessions.c.patient, sessions.c.id, sessions.c.started_at, sessions.c.created_at, *parts.c[1:])
            .join(parts, parts.c.session == sessions.c.number)
            .where(sessions.c.patient.in_(some))
        )
        for patient, id, started, created, *part in connection.execute(statement):
            found[patient].append(Done(day_of(started, created, zone), id, *part))
    for done in found.values():
        done.sort(key=lambda one: (one.day, one.session))
    return found


def reports_of(connection: Connection, patients: Sequence[int], zone: ZoneInfo) -> dict[int, list[Report]]:
    found: dict[int, list[Report]] = {number: [] for number in patients}
    for some in _slices(patients):
        pain = reports.c.pain_before, reports.c.pain_worst, reports.c.pain_after
        statement = select(sessions.c.patient, sessions.c.started_at, sessions.c.created_at, *pain).join(
            sessions, sessions.c.number == reports.c.session
        )
        for patient, started, created, *said in connection.execute(
            statement.where(sessions.c.patient.in_(some)).order_by(sessions.c.id)
        ):
            found[patient].append(Report(day_of(started, created, zone), *said))
    return found


def day_of(started_at: str, created_at: str, zone: ZoneInfo) -> date:
    """The day a session was done: by the client's clock, unless that cannot be; then by its arrival here."""
    at = datetime.fromisoformat(started_at)
    if started_at[:13] != created_at[:13]:  # not of the same hour, as most are: a list asks this a hundred thousand times
        arrived = datetime.fromisoformat(created_at)
        at = at if -LATE <= at - arrived <= EARLY else arrived
    return at.astimezone(zone).date()


def today(now_s: float, zone: ZoneInfo) -> date:
    return datetime.fromtimestamp(now_s, zone).date()


# What patients say of sessions


def put_report(connection: Connection, session: int, patient: int, at: str, **said: object) -> None:
    """Again: as said last."""
    changed = connection.execute(update(reports).where(reports.c.session == session).values(made_at=at, **said))
    if not changed.rowcount:
        connection.execute(insert(reports).values(session=session, made_at=at, **said))
    forget(connection, patient)


def report(connection: Connection, session: int) -> dict | None:
    row = connection.execute(select(reports).where(reports.c.session == session)).one_or_none()
    return row and {name: value for name, value in row._mapping.items() if name != "session"}


def pains(connection: Connection, those: Select) -> dict[int, list[int]]:
    """What was said of pain, by the session's number. those: numbers of sessions."""
    told = select(reports.c.session, reports.c.pain_before, reports.c.pain_worst, reports.c.pain_after).where(reports.c.session.in_(those))
    return {session: [value for value in said if value is not None] for session, *said in connection.execute(told)}


# Overviews


def overviews_of(connection: Connection, patients: Sequence[int], day: date) -> dict[int, str]:
    """Those that are still good; the others are to be made."""
    found: dict[int, str] = {}
    for some in _slices(patients):
        good = overviews.c.patient.in_(some), overviews.c.day == day.isoformat()
        found |= {row.patient: row.document for row in connection.execute(select(overviews).where(*good))}
    return found


def stale(connection: Connection, clinic: int, day: date) -> list[int]:
    """Patients of the clinic, looked after by somebody, whose overview is to be made."""
    good = select(overviews.c.patient).where(overviews.c.day == day.isoformat())
    cared = select(assignments.c.patient)
    mine = people.c.clinic == clinic, people.c.number.in_(cared), people.c.number.not_in(good)
    return list(connection.execute(select(people.c.number).where(*mine).order_by(people.c.number)).scalars())


def keep(connection: Connection, day: date, made: dict[int, str]) -> None:
    for some in _slices(list(made)):
        connection.execute(delete(overviews).where(overviews.c.patient.in_(some)))
    rows = [{"patient": patient, "day": day.isoformat(), "document": document} for patient, document in made.items()]
    if rows:
        connection.execute(insert(overviews), rows)


def forget(connection: Connection, patient: int | None) -> None:
    """Something that the overview shows has changed. In the transaction of that change."""
    if patient is not None:
        connection.execute(delete(overviews).where(overviews.c.patient == patient))


def _slices(values: Sequence[int]) -> Iterable[Sequence[int]]:
    return (values[i : i + AT_ONCE] for i in range(0, len(values), AT_ONCE))
