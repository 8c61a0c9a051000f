"""Everything that belongs to a person: what they may take along, and what goes when they go. Each table is here or in
KEPT, and a test holds it to that."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, delete, or_, select, update

from server.store.schema import (
    answers, assignments, consents, corrections, devices, invitations, items, jobs, logins, metadata, notes, once, overviews,
    packets, pairings, parts, people, programmes, reports, results, sessions,
)  # fmt: skip

KEPT = ("clinics", "audit")  # of nobody; ids without content
SECRET = ("password", "totp", "totp_step", "pending", "hash")
OF_SESSION = {table.name for table in (packets, results, jobs, corrections, parts, reports)}
ERASED = "(erased)"


def _mine(number: int) -> Select:
    return select(sessions.c.number).where(sessions.c.patient == number)


OWNED: dict[str, Callable[[int], ColumnElement[bool]]] = {
    **{name: lambda number, table=metadata.tables[name]: table.c.session.in_(_mine(number)) for name in OF_SESSION},
    "sessions": lambda number: sessions.c.patient == number,
    "items": lambda number: items.c.programme.in_(select(programmes.c.number).where(programmes.c.patient == number)),
    **{table.name: lambda number, table=table: table.c.patient == number for table in (programmes, answers, notes, overviews, consents, devices, pairings, once)},
    **{table.name: lambda number, table=table: table.c.person == number for table in (invitations, logins)},
    "assignments": lambda number: or_(assignments.c.patient == number, assignments.c.staff == number),
    "people": lambda number: people.c.number == number,
}


def rows(connection: Connection, person: int) -> dict[str, list[dict[str, Any]]]:
    """table -> its rows, without secrets and without packets, which are in the recordings. Bytes are base64."""
    found = {}
    for table in metadata.sorted_tables:
        if table.name in OWNED and table is not packets:
            columns = [column for column in table.columns if column.name not in SECRET]
            statement = select(*columns).where(OWNED[table.name](person)).order_by(*table.primary_key)
            found[table.name] = [{name: _plain(value) for name, value in row._mapping.items()} for row in connection.execute(statement)]
    return found


def erase_patient(connection: Connection, number: int) -> None:
    """Everything. Their recordings' files are not here to remove."""
    for table in reversed(metadata.sorted_tables):
        if table.name in OWNED:
            connection.execute(delete(table).where(OWNED[table.name](number)))


def erase_staff(connection: Connection, number: int, at: str) -> None:
    """Who they were. What they prescribed and corrected is of patients, and stays without their name."""
    for table in (logins, invitations, assignments):
        connection.execute(delete(table).where(OWNED[table.name](number)))
    connection.execute(update(corrections).where(corrections.c.person == number).values(author=ERASED))
    blank = {"name": ERASED, "email": None, "password": None, "totp": None, "admin": False, "disabled_at": at}
    connection.execute(update(people).where(people.c.number == number).values(**blank))


def old_sessions(connection: Connection, before: str, most: int) -> list[tuple[int, str, str | None]]:
    """(number, id, whose) of sessions that came before and have ended, the oldest first."""
    old = sessions.c.created_at < before, sessions.c.ended_at.is_not(None)
    statement = select(sessions.c.number, sessions.c.id, people.c.id).outerjoin(people, people.c.number == sessions.c.patient)
    return [tuple(row) for row in connection.execute(statement.where(*old).order_by(sessions.c.id).limit(most))]


def erase_sessions(connection: Connection, numbers: list[int]) -> None:
    whose = select(sessions.c.patient).where(sessions.c.number.in_(numbers))
    connection.execute(delete(overviews).where(overviews.c.patient.in_(whose)))
    for name in OF_SESSION:
        table = metadata.tables[name]
        connection.execute(delete(table).where(table.c.session.in_(numbers)))
    connection.execute(delete(sessions).where(sessions.c.number.in_(numbers)))


def erase_answers(connection: Connection, before: str) -> int:
    return connection.execute(delete(answers).where(answers.c.made_at < before)).rowcount


def _plain(value: Any) -> Any:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value
