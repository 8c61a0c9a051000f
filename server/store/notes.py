"""What a physio writes down of a patient, and what they write to them."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, Select, and_, insert, select, update

from server.rows import new_id
from server.store.schema import notes, people


@dataclass(frozen=True, slots=True)
class Note:
    """author: the name. to_patient: a message; taken_back_at: since when they see it no longer."""

    id: str
    author: str
    made_at: str
    to_patient: bool
    text: str
    taken_back_at: str | None


def add(connection: Connection, patient: int, made_by: int, at: str, to_patient: bool, text: str) -> str:
    values = {"id": new_id(), "patient": patient, "made_by": made_by, "made_at": at, "to_patient": to_patient, "text": text}
    connection.execute(insert(notes).values(values))
    return values["id"]


def of_patient(connection: Connection, patient: int, limit: int | None = None, before: str | None = None) -> list[Note]:
    """Newest first; `before` is the last id of the page before."""
    statement = _notes().where(notes.c.patient == patient).limit(limit)
    if before is not None:
        number = select(notes.c.number).where(notes.c.id == before, notes.c.patient == patient).scalar_subquery()
        statement = statement.where(notes.c.number < number)
    return [Note(*row) for row in connection.execute(statement)]


def message(connection: Connection, patient: int) -> Note | None:
    """What the patient is told now: the newest, unless it was taken back."""
    row = connection.execute(_notes().where(notes.c.patient == patient, notes.c.to_patient).limit(1)).one_or_none()
    found = row and Note(*row)
    return found if found and found.taken_back_at is None else None


def take_back(connection: Connection, patient: int, note: str, at: str) -> bool:
    """Whether there was such a message."""
    one = and_(notes.c.patient == patient, notes.c.id == note, notes.c.to_patient, notes.c.taken_back_at.is_(None))
    return connection.execute(update(notes).where(one).values(taken_back_at=at)).rowcount == 1


def _notes() -> Select:
    columns = notes.c.id, people.c.name, notes.c.made_at, notes.c.to_patient, notes.c.text, notes.c.taken_back_at
    return select(*columns).join(people, people.c.number == notes.c.made_by).order_by(notes.c.number.desc())
