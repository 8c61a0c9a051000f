"""What lets people and devices in: logins, invitations, pairing codes, devices. Secrets come here as their hash only."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, insert, select, update

from server.rows import new_id
from server.store.people import Clinic, Person
from server.store.schema import clinics, devices, invitations, logins, pairings, people


@dataclass(frozen=True, slots=True)
class Login:
    number: int
    hash: str
    person: int
    stage: str  # password: the second factor is still to come · full
    pending: str | None  # the key of a second factor that is being set up
    created_at: str
    seen_at: str


@dataclass(frozen=True, slots=True)
class Device:
    number: int
    id: str
    patient: int
    name: str
    hash: str
    created_at: str
    revoked_at: str | None


def log_in(connection: Connection, hash: str, person: int, stage: str, pending: str | None, at: str) -> None:
    values = {"hash": hash, "person": person, "stage": stage, "pending": pending, "created_at": at, "seen_at": at}
    connection.execute(insert(logins).values(**values))


def login(connection: Connection, hash: str) -> tuple[Login, Person, Clinic] | None:
    """Of a person who is not disabled; whether it has expired is not looked at here."""
    statement = (
        select(logins, people, clinics)
        .join(people, people.c.number == logins.c.person)
        .join(clinics, clinics.c.number == people.c.clinic)
        .where(logins.c.hash == hash, people.c.disabled_at.is_(None))
    )
    row = connection.execute(statement).one_or_none()
    if row is None:
        return None
    first, second = len(logins.columns), len(logins.columns) + len(people.columns)
    return Login(*row[:first]), Person(*row[first:second]), Clinic(*row[second:])


def seen(connection: Connection, number: int, at: str) -> None:
    connection.execute(update(logins).where(logins.c.number == number).values(seen_at=at))


def log_out(connection: Connection, number: int) -> None:
    connection.execute(delete(logins).where(logins.c.number == number))


def log_out_everywhere(connection: Connection, person: int) -> None:
    connection.execute(delete(logins).where(logins.c.person == person))


def withdraw(connection: Connection, person: int, at: str) -> None:
    """Everything that lets this person in, or a device of theirs."""
    log_out_everywhere(connection, person)
    connection.execute(delete(invitations).where(invitations.c.person == person, invitations.c.used_at.is_(None)))
    connection.execute(delete(pairings).where(pairings.c.patient == person))
    mine = devices.c.patient == person, devices.c.revoked_at.is_(None)
    connection.execute(update(devices).where(*mine).values(revoked_at=at))


def forget_logins(connection: Connection, before: str) -> None:
    """Those begun so long ago that none of them can be valid."""
    connection.execute(delete(logins).where(logins.c.created_at < before))


def invite(connection: Connection, hash: str, person: int | None, expires_at: str) -> None:
    """Another link for the same person makes the earlier ones worthless."""
    same = invitations.c.person.is_(None) if person is None else invitations.c.person == person
    connection.execute(delete(invitations).where(same, invitations.c.used_at.is_(None)))
    connection.execute(insert(invitations).values(hash=hash, person=person, expires_at=expires_at))


def uninvite(connection: Connection, person: int, at: str) -> bool:
    """Whether one held until now."""
    good = invitations.c.person == person, invitations.c.used_at.is_(None), invitations.c.expires_at > at
    return connection.execute(delete(invitations).where(*good)).rowcount > 0


def invited(connection: Connection, hash: str, at: str) -> tuple[int, int | None] | None:
    """(its number, the person's or None) of an invitation that still holds."""
    good = invitations.c.hash == hash, invitations.c.used_at.is_(None), invitations.c.expires_at > at
    return connection.execute(select(invitations.c.number, invitations.c.person).where(*good)).one_or_none()


def spend_invitation(connection: Connection, number: int, at: str) -> bool:
    unused = invitations.c.number == number, invitations.c.used_at.is_(None)
    return connection.execute(update(invitations).where(*unused).values(used_at=at)).rowcount == 1


def offer_pairing(connection: Connection, hash: str, patient: int, expires_at: str) -> None:
    """One code a patient at a time."""
    connection.execute(delete(pairings).where(pairings.c.patient == patient))
    connection.execute(insert(pairings).values(hash=hash, patient=patient, expires_at=expires_at))


def spend_pairing(connection: Connection, hash: str, at: str) -> Person | None:
    """Whose code it is; from now on nobody's."""
    statement = select(people).join(pairings, pairings.c.patient == people.c.number)
    good = pairings.c.hash == hash, pairings.c.expires_at > at, people.c.disabled_at.is_(None)
    row = connection.execute(statement.where(*good)).one_or_none()
    if row is None or connection.execute(delete(pairings).where(pairings.c.hash == hash)).rowcount != 1:
        return None
    return Person(*row)


def add_device(connection: Connection, hash: str, patient: int, name: str, at: str) -> Device:
    values = {"id": new_id(), "patient": patient, "name": name, "hash": hash, "created_at": at}
    return Device(*connection.execute(insert(devices).values(**values).returning(devices)).one())


def device(connection: Connection, hash: str) -> tuple[Device, Person] | None:
    """One that is not revoked, and whose it is."""
    statement = select(devices, people).join(people, people.c.number == devices.c.patient)
    good = devices.c.hash == hash, devices.c.revoked_at.is_(None), people.c.disabled_at.is_(None)
    row = connection.execute(statement.where(*good)).one_or_none()
    return row and (Device(*row[: len(devices.columns)]), Person(*row[len(devices.columns) :]))


def devices_of(connection: Connection, patient: int) -> list[Device]:
    mine = select(devices).where(devices.c.patient == patient, devices.c.revoked_at.is_(None))
    return [Device(*row) for row in connection.execute(mine.order_by(devices.c.number))]


def devices_in(connection: Connection, clinic: int) -> list[tuple[Device, str]]:
    """Those that may send, with the name of whose sessions."""
    mine = select(devices, people.c.name).join(people, people.c.number == devices.c.patient)
    mine = mine.where(people.c.clinic == clinic, devices.c.revoked_at.is_(None)).order_by(people.c.name, devices.c.number)
    return [(Device(*row[:-1]), row[-1]) for row in connection.execute(mine)]


def revoke(connection: Connection, patient: int, device_id: str, at: str) -> Device | None:
    mine = devices.c.patient == patient, devices.c.id == device_id, devices.c.revoked_at.is_(None)
    row = connection.execute(update(devices).where(*mine).values(revoked_at=at).returning(devices)).one_or_none()
    return row and Device(*row)


def admins(connection: Connection) -> int:
    """How many can let others in."""
    ready = people.c.admin.is_(True), people.c.password.is_not(None), people.c.disabled_at.is_(None)
    return connection.execute(select(func.count()).select_from(people).where(*ready)).scalar_one()
