"""What patients agreed to."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, insert, select, update

from server.store.schema import consents, people


@dataclass(frozen=True, slots=True)
class Consent:
    """guardian: the name of who agreed for a minor; None: the patient."""

    version: str
    text: str
    guardian: str | None
    given_at: str
    withdrawn_at: str | None


def newest(connection: Connection, patient: int) -> Consent | None:
    columns = [consents.c[name] for name in Consent.__slots__]
    last = select(*columns).where(consents.c.patient == patient).order_by(consents.c.number.desc()).limit(1)
    row = connection.execute(last).one_or_none()
    return row and Consent(*row)


def give(connection: Connection, patient: int, version: str, text: str, guardian: str | None, at: str) -> None:
    values = {"patient": patient, "version": version, "text": text, "guardian": guardian, "given_at": at}
    connection.execute(insert(consents).values(**values))


def withdraw(connection: Connection, patient: int, at: str) -> None:
    held = consents.c.patient == patient, consents.c.withdrawn_at.is_(None)
    connection.execute(update(consents).where(*held).values(withdrawn_at=at))


def of_clinic(connection: Connection, clinic: int) -> dict[int, Consent]:
    """The newest of each patient, by their number."""
    columns = [consents.c.patient, *(consents.c[name] for name in Consent.__slots__)]
    mine = select(*columns).join(people, people.c.number == consents.c.patient).where(people.c.clinic == clinic)
    return {patient: Consent(*row) for patient, *row in connection.execute(mine.order_by(consents.c.number))}
