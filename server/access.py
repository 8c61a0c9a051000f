"""Who asks, and what they may touch. Every route has one of these as its dependency; what it does not name is closed.

A server without accounts (this computer only) has one person, who may do everything but what needs a clinic.
Otherwise: a patient sees and writes their own; staff see the patients assigned to them; admins manage the people of
their clinic and see no more for it; a device writes its patient's sessions and reads nothing. What is not theirs to see
is answered as if it were not there.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header, Path, Query
from sqlalchemy import ColumnElement, false, select, true
from starlette.requests import HTTPConnection

from server import language
from server.accounts import Accounts, Entrance
from server.problems import Problem
from server.service import Service, of
from server.store import consents, people, sessions, trail
from server.store.keys import Device
from server.store.people import Person
from server.store.schema import assignments
from server.store.schema import sessions as session_table

ID = r"^[0-9a-f-]{36}$"
SessionId = Annotated[str, Path(pattern=ID, description="from the answer to its creation")]
OneOfTwo = Annotated[str, Query(pattern=ID)]
PersonId = Annotated[str, Path(pattern=ID)]
Meant = Annotated[
    str | None, Header(description="whose session it is: of anybody else it is refused, such as the next person on a phone")
]
LOCAL, SECURE = "hiprep", "__Host-hiprep"  # cookies: the browser takes the second over TLS only, from this host only


@dataclass(frozen=True, slots=True)
class Who:
    """open: the one person of a server without accounts. entrance: of a login; device: with the patient whose it is.
    None of them: nobody."""

    open: bool = False
    entrance: Entrance | None = None
    device: Device | None = None
    patient: Person | None = None  # whose sessions are one's own

    @property
    def full(self) -> bool:
        return self.open or self.device is not None or (self.entrance is not None and self.entrance.login.stage == "full")

    @property
    def staff(self) -> Person | None:
        return self.entrance.person if self.entrance and self.entrance.person.role == "staff" else None

    @property
    def number(self) -> int | None:
        """The person's, by which open sockets are found."""
        person = self.patient or self.staff
        return person and person.number

    def visible(self) -> ColumnElement[bool]:
        """Of the sessions."""
        if self.open:
            return true()
        if self.staff:
            mine = select(assignments.c.patient).where(assignments.c.staff == self.staff.number)
            return session_table.c.patient.in_(mine)
        if self.patient and not self.device:
            return session_table.c.patient == self.patient.number
        return false()


class LoggedOut(Problem):
    def __init__(self, detail: str = "log in first") -> None:
        super().__init__(401, detail, headers={"WWW-Authenticate": "Bearer"})


async def who_of(connection: HTTPConnection) -> Who:
    """A token in the header is all that is looked at if there is one. Pages find it in the request's state as well."""
    connection.state.who = who = await _who(connection)
    language.use(chosen_language(connection, who))
    return who


def chosen_language(connection: HTTPConnection, who: Who | None) -> str:
    return language.chosen(connection, who.entrance.person.language if who and who.entrance else None)


async def _who(connection: HTTPConnection) -> Who:
    service = of(connection)
    if service.accounts is None:
        return Who(open=True)
    authorization = connection.headers.get("authorization")
    if authorization is not None:
        scheme, _, token = authorization.partition(" ")
        found = await service.accounts.devices.known(token) if scheme.lower() == "bearer" else None
        return Who(device=found[0], patient=found[1]) if found else Who()
    secret = connection.cookies.get(cookie_of(service))
    entrance = await service.accounts.entrance(secret) if secret else None
    if entrance is None:
        return Who()
    return Who(entrance=entrance, patient=entrance.person if entrance.person.role == "patient" else None)


Anyone = Annotated[Who, Depends(who_of)]


async def _known(who: Anyone) -> Who:
    if not who.full:
        raise LoggedOut()
    return who


Known = Annotated[Who, Depends(_known)]


async def _reader(who: Known) -> Who:
    if who.device:
        raise Problem(403, "a device writes its patient's sessions and reads nothing")
    return who


Reader = Annotated[Who, Depends(_reader)]


async def _writer(who: Known, hiprep_patient: Meant = None) -> Who:
    """Who may begin a session: it becomes theirs."""
    if who.staff:
        raise Problem(403, "sessions are a patient's to record")
    if hiprep_patient is not None and (who.patient is None or who.patient.id != hiprep_patient):
        raise Problem(403, "somebody else is logged in than whose session this is", "header.hiprep-patient")
    return who


Writer = Annotated[Who, Depends(_writer)]


async def _beginner(connection: HTTPConnection, who: Writer) -> Who:
    """A writer of whom something new may be kept."""
    service = of(connection)
    if who.patient and not service.consent.held(await service.store.fetch(consents.newest, who.patient.number)):
        raise Problem(403, "the patient has not agreed to what is kept of them (wanted: log in and agree, on the page /consent)")
    return who


Beginner = Annotated[Who, Depends(_beginner)]


async def _read(connection: HTTPConnection, who: Reader, session_id: SessionId) -> str:
    await check_session(of(connection), who, session_id, "read")
    return session_id


async def _read_two(connection: HTTPConnection, who: Reader, a: OneOfTwo, b: OneOfTwo) -> tuple[str, str]:
    for session_id in (a, b):
        await check_session(of(connection), who, session_id, "read")
    return a, b


async def _export(connection: HTTPConnection, who: Reader, session_id: SessionId) -> str:
    await check_session(of(connection), who, session_id, "exported")
    return session_id


async def _change(connection: HTTPConnection, who: Reader, session_id: SessionId) -> str:
    await check_session(of(connection), who, session_id, "changed")
    return session_id


async def _write(connection: HTTPConnection, who: Writer, session_id: SessionId) -> str:
    await check_session(of(connection), who, session_id)
    return session_id


ReadTwo = Annotated[tuple[str, str], Depends(_read_two)]
ReadSession = Annotated[str, Depends(_read)]
ExportSession = Annotated[str, Depends(_export)]
ChangeSession = Annotated[str, Depends(_change)]  # what is said and counted after its end
WriteSession = Annotated[str, Depends(_write)]


async def check_session(service: Service, who: Who, session_id: str, action: str | None = None) -> None:
    """Raises Problem 404. That somebody reads or exports is written down before they do."""
    if who.open:
        return
    session = resident.session if (resident := service.ingest.resident(session_id)) else None
    if session is None or who.staff:
        session = await service.store.fetch(sessions.find, session_id, None if who.device else who.visible())
    if session is None or (who.patient and session.patient != who.patient.number):
        raise Problem(404, f"no session {session_id}", "path.session_id")
    if action:
        patient = await service.store.fetch(people.by_number, session.patient)
        entry = who.entrance.entry(service.accounts.now(), action, patient.id, session_id)
        await service.store.write(trail.note, entry)


# What only a clinic has.


async def _accounts(connection: HTTPConnection) -> Accounts:
    accounts = of(connection).accounts
    if accounts is None:
        raise Problem(404, "this server has no accounts: it serves one person, on this computer only")
    return accounts


AccountsOf = Annotated[Accounts, Depends(_accounts)]


async def _logged_in(_: AccountsOf, who: Reader) -> Entrance:
    return who.entrance


LoggedIn = Annotated[Entrance, Depends(_logged_in)]


async def _admin(entrance: LoggedIn) -> Entrance:
    if not entrance.person.admin:
        raise Problem(403, "only a clinic's admins may do this")
    return entrance


Admin = Annotated[Entrance, Depends(_admin)]


async def _staff(entrance: LoggedIn) -> Entrance:
    if entrance.person.role != "staff":
        raise Problem(403, "only staff may do this")
    return entrance


Staff = Annotated[Entrance, Depends(_staff)]


async def _colleague(connection: HTTPConnection, admin: Admin, person_id: PersonId) -> Person:
    """Somebody of the admin's clinic."""
    person = await of(connection).store.fetch(people.in_clinic, person_id, admin.clinic.number)
    if person is None:
        raise Problem(404, f"no person {person_id}", "path.person_id")
    return person


Colleague = Annotated[Person, Depends(_colleague)]


async def _mine(connection: HTTPConnection, entrance: LoggedIn, person_id: PersonId) -> Person:
    """Oneself, or a patient assigned to this member of staff."""
    if entrance.person.role == "patient":
        found = entrance.person if entrance.person.id == person_id else None
    else:
        found = await of(connection).store.fetch(people.patient_of, person_id, entrance.person.number)
    if found is None:
        raise Problem(404, f"no patient {person_id}", "path.person_id")
    return found


Mine = Annotated[Person, Depends(_mine)]


async def _patient(connection: HTTPConnection, entrance: LoggedIn, found: Mine) -> Person:
    if connection.scope["method"] == "GET":  # changes are noted where they are made
        service = of(connection)
        await service.store.write(trail.note, entrance.entry(service.accounts.now(), "read", found.id))
    return found


async def _export_patient(connection: HTTPConnection, entrance: LoggedIn, found: Mine) -> Person:
    service = of(connection)
    await service.store.write(trail.note, entrance.entry(service.accounts.now(), "exported", found.id))
    return found


Patient = Annotated[Person, Depends(_patient)]
ExportPatient = Annotated[Person, Depends(_export_patient)]


def cookie_of(service: Service) -> str:
    return SECURE if service.settings.secure else LOCAL


def address_of(connection: HTTPConnection) -> str:
    """Where it comes from: what the proxy says last, where there is one. Of IPv6 the network, which is one subscriber's."""
    said = connection.client.host if connection.client else ""
    if of(connection).settings.behind_proxy:
        said = connection.headers.get("x-forwarded-for", "").rpartition(",")[2].strip() or said
    try:
        address = ipaddress.ip_address(said)
    except ValueError:
        return said
    return said if address.version == 4 else str(ipaddress.ip_network((address, 64), strict=False))
