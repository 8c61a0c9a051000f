"""Clinics, their people, and who looks after whom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection, Select, and_, delete, insert, select, update

from server.errors import PersonGone
from server.rows import new_id
from server.store.schema import assignments, clinics, people

Role = Literal["staff", "patient"]


@dataclass(frozen=True, slots=True)
class Clinic:
    number: int
    id: str
    name: str
    time_zone: str  # IANA
    created_at: str


@dataclass(frozen=True, slots=True)
class Person:
    """email None: has not taken up the invitation. totp_step: of the last second factor taken."""

    number: int
    id: str
    clinic: int
    role: Role
    admin: bool
    name: str
    email: str | None
    password: str | None
    totp: str | None
    totp_step: int
    created_at: str
    disabled_at: str | None
    language: str | None = None  # as they chose it


def any_clinic(connection: Connection) -> bool:
    return connection.execute(select(clinics.c.number).limit(1)).first() is not None


def add_clinic(connection: Connection, name: str, time_zone: str, at: str) -> Clinic:
    values = {"id": new_id(), "name": name, "time_zone": time_zone, "created_at": at}
    return Clinic(*connection.execute(insert(clinics).values(**values).returning(clinics)).one())


def all_clinics(connection: Connection) -> list[Clinic]:
    return [Clinic(*row) for row in connection.execute(select(clinics).order_by(clinics.c.number))]


def clinic(connection: Connection, number: int) -> Clinic:
    return Clinic(*connection.execute(select(clinics).where(clinics.c.number == number)).one())


def add(connection: Connection, clinic: int, role: Role, admin: bool, name: str, at: str) -> Person:
    values = {"id": new_id(), "clinic": clinic, "role": role, "admin": admin, "name": name, "totp_step": 0, "created_at": at}
    return Person(*connection.execute(insert(people).values(**values).returning(people)).one())


def by_number(connection: Connection, number: int) -> Person:
    return Person(*connection.execute(select(people).where(people.c.number == number)).one())


def still_there(connection: Connection, person: Person | None) -> None:
    """In the transaction that keeps something of theirs. Raises PersonGone."""
    if person is None:
        return
    there = select(people.c.number).where(people.c.number == person.number, people.c.disabled_at.is_(None))
    if connection.execute(there).first() is None:
        raise PersonGone()


def clinic_id(connection: Connection, person_id: str) -> str:
    of = select(clinics.c.id).join(people, people.c.clinic == clinics.c.number)
    return connection.execute(of.where(people.c.id == person_id)).scalar_one()


def by_email(connection: Connection, email: str) -> Person | None:
    return _one(connection, select(people).where(people.c.email == email))


def of_clinic(connection: Connection, clinic: int) -> list[Person]:
    statement = select(people).where(people.c.clinic == clinic).order_by(people.c.role.desc(), people.c.name, people.c.number)
    return [Person(*row) for row in connection.execute(statement)]


def in_clinic(connection: Connection, person_id: str, clinic: int) -> Person | None:
    return _one(connection, select(people).where(people.c.id == person_id, people.c.clinic == clinic))


def change(connection: Connection, number: int, **values: object) -> None:
    """email, password, totp, totp_step, disabled_at, name, language."""
    connection.execute(update(people).where(people.c.number == number).values(**values))


def spend_step(connection: Connection, number: int, step: int) -> bool:
    """Whether this second factor had not been used: each works once."""
    unused = and_(people.c.number == number, people.c.totp_step < step)
    return connection.execute(update(people).where(unused).values(totp_step=step)).rowcount == 1


def patients_of(connection: Connection, staff: int) -> list[Person]:
    """Those assigned to a member of staff, by name; who was disabled stays readable."""
    statement = select(people).join(assignments, assignments.c.patient == people.c.number)
    rows = connection.execute(statement.where(assignments.c.staff == staff).order_by(people.c.name, people.c.number))
    return [Person(*row) for row in rows]


def patient_of(connection: Connection, person_id: str, staff: int) -> Person | None:
    statement = select(people).join(assignments, assignments.c.patient == people.c.number)
    return _one(connection, statement.where(assignments.c.staff == staff, people.c.id == person_id))


def assigned(connection: Connection, clinic: int) -> set[tuple[int, int]]:
    """(staff, patient) numbers."""
    statement = select(assignments).join(people, people.c.number == assignments.c.staff).where(people.c.clinic == clinic)
    return {(row.staff, row.patient) for row in connection.execute(statement)}


def assign(connection: Connection, staff: Person, patient: Person, to: bool) -> None:
    """The caller has seen that both are of one clinic."""
    pair = and_(assignments.c.staff == staff.number, assignments.c.patient == patient.number)
    there = connection.execute(select(assignments).where(pair)).first() is not None
    if to and not there:
        connection.execute(insert(assignments).values(staff=staff.number, patient=patient.number))
    if there and not to:
        connection.execute(delete(assignments).where(pair))


def _one(connection: Connection, statement: Select) -> Person | None:
    row = connection.execute(statement).one_or_none()
    return row and Person(*row)
